# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fabric: network namespaces with a client, a router and nodes that run real kubelets.

Python 3.9+, standard library only.
"""
