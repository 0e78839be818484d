# SPDX-License-Identifier: Apache-2.0
from .base import App, Manager, Tools
from .floor import Floor
from .pm2 import Pm2
from .pmd import Pmd
from .supervisord import Supervisord
from .units import PmdUnits, UnitFloor
from .web import Pm2Web, PmdHeld, PmdRoundRobin, PmdShared

ALL = (Pmd, Pm2, Supervisord, Floor)
WEB = (PmdHeld, PmdShared, PmdRoundRobin, Pm2Web)
SYSTEMD = (PmdUnits, UnitFloor)
