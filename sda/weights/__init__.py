"""BigVGAN's published weights on this machine: fetched, checked, brought by hand, kept.

They lie in the library's cache, not in the hub's: the hub's client throws an interrupted download away, takes any bytes of
the right size for the right ones, and shares its folder with programs that do not check either. A copy in the hub's cache
is used where there is one, once its hash is found right.
"""

from sda.weights.bring import bring
from sda.weights.fetch import download
from sda.weights.meter import Progress, about
from sda.weights.patience import Patience
from sda.weights.state import FileState, State
from sda.weights.store import Store

__all__ = ["FileState", "Patience", "Progress", "State", "Store", "about", "bring", "download"]
