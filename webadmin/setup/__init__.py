"""The set-up: the page of a launcher that does not know yet which data it looks after."""

from .app import create_setup_app as create_setup_app
from .guide import Findings as Findings
from .guide import Found as Found
from .guide import Guide as Guide
from .guide import Plan as Plan
from .guide import Program as Program
