"""TouchDesigner: the Callbacks DAT of the OSC In DAT `sda_in`. It makes the engine's controls parameters of the COMP `sda`.

Names expected beside it: OSC Out DAT `sda_out`, OSC In DAT `sda_in`, Base COMP `sda`. README.md says how to set them up.
Run `connect()` once (right-click, Run Script, calls it as well) and whenever the engine was started anew.
"""

told = []  # rows of the table, until all of them came


def connect():
    """Ask the engine for its table, and to tell every change to the port of `sda_in`."""
    op('sda_out').sendOSC('/sda/listen', [int(op('sda_in').par.port.eval())])
    op('sda_out').sendOSC('/sda/q/params', [])


def onReceiveOSC(dat, rowIndex, message, bytes, timeStamp, address, args, peer):
    if address == '/sda/param':
        told.append(list(args))
    elif address == '/sda/params':
        rows = told[:]
        told.clear()
        if len(rows) == args[0]:
            build(rows)
            op('sda_out').sendOSC('/sda/q/all', [])
        else:  # a datagram was lost
            op('sda_out').sendOSC('/sda/q/params', [])
    elif address == '/sda/meter':
        op('sda').store('meter', tuple(args))
    elif address == '/sda/error':
        debug('sda:', *args)
    else:
        show(address, args)


def build(rows):
    """A page for the engine's controls and one for the sliders of the model."""
    comp = op('sda')
    if comp.fetch('rows', None) == rows:
        return
    for page in comp.customPages[:]:
        page.destroy()
    pages = {False: comp.appendCustomPage('Engine'), True: comp.appendCustomPage('Sliders')}
    addresses = {}
    for row in rows:
        identity, kind, unit, low, high, default, _, choices, name, explains = row
        par = append(pages[identity.startswith('slider.')], parameter_name(identity), kind, name or identity)
        if kind in ('float', 'int'):
            par.min, par.max, par.clampMin, par.clampMax = low, high, True, True
            par.normMin, par.normMax = low, high
        elif kind == 'choice':
            par.menuNames = par.menuLabels = choices.split(',')
        par.default, par.help = default, (explains + ' ' + unit).strip()
        addresses[par.name] = '/sda/' + identity.replace('.', '/')
    comp.store('addresses', addresses)
    comp.store('rows', rows)


def append(page, name, kind, label):
    """A parameter of the kind of a control."""
    make = {'float': page.appendFloat, 'int': page.appendInt, 'bool': page.appendToggle,
            'choice': page.appendMenu, 'text': page.appendStr}[kind]
    return make(name, label=label)[0]


def parameter_name(identity):
    """slider.1 becomes Slider1: a custom parameter begins with a capital, then small letters and digits."""
    return identity.replace('.', '').capitalize()


def show(address, args):
    """A value that changed somewhere else. It is remembered, so that it is not sent back."""
    comp = op('sda')
    for name, known in comp.fetch('addresses', {}).items():
        if known == address:
            comp.fetch('heard', {}, storeDefault=True)[name] = args[0]
            comp.par[name].val = args[0]


if __name__ == '__main__':
    connect()
