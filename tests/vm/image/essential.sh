#!/bin/sh
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# essential.sh ROOT: before the packages that are more than essential come in, what they are to find.
set -e
here=$(dirname "$0")
cp -r "$here/root/." "$1/"
chmod 0440 "$1/etc/sudoers.d/tester"
mkdir -p "$1/boot/grub"
echo 'grub-pc grub-pc/install_devices_empty boolean true' | chroot "$1" debconf-set-selections
