# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Front end of the lab: builds its programs, brings a cluster up, installs Cilium.

Python 3.9+, standard library only.
"""
