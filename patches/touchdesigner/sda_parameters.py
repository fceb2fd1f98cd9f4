"""TouchDesigner: the Parameter Execute DAT of the COMP `sda`. A parameter that moves is sent to the engine.

Its parameters: OPs `sda`, Parameters `*`, Custom on, Built-In off, Value Change on.
"""


def onValueChange(par, prev):
    heard = par.owner.fetch('heard', {})
    address = par.owner.fetch('addresses', {}).get(par.name)
    if address is None or heard.pop(par.name, None) == par.eval():
        return
    op('sda_out').sendOSC(address, [par.eval()])
