# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test beds: Debian machines under QEMU, with a network segment of their own, that end with whoever uses them.

Python 3.9+, standard library only, and of the lab's `front` what is the same here: progress, locks, the cache
folder, and how a command line ends.
"""
