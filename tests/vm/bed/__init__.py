# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test beds: Debian machines under QEMU, with a network segment of their own, that end with whoever uses them.

Python 3.9+, standard library only, and the lab's `front.progress` and `front.locks`.
"""
