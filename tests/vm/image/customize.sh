#!/bin/sh
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# customize.sh ROOT PUBLIC_KEY: the cpufreq shim, a user to log in as, and a boot menu for the first boot.
set -e
here=$(dirname "$0")
root=$1
kernel=$(ls "$root/lib/modules" | sort -V | tail -n 1)

# The guest's own compiler, headers and make: those of this machine need not fit.
chroot "$root" dpkg-query -W -f '${Package}\n' | sort > "$root/tmp/before"
grep -v '^#' "$here/build-packages.txt" | DEBIAN_FRONTEND=noninteractive xargs chroot "$root" apt-get install -y -q
cp -r "$here/cpufreq" "$root/tmp/cpufreq"
chroot "$root" make -C "/lib/modules/$kernel/build" M=/tmp/cpufreq modules
install -D -m 0644 "$root/tmp/cpufreq/cpufreq_shim.ko" "$root/lib/modules/$kernel/extra/cpufreq_shim.ko"
chroot "$root" dpkg-query -W -f '${Package}\n' | sort > "$root/tmp/after"
comm -13 "$root/tmp/before" "$root/tmp/after" | DEBIAN_FRONTEND=noninteractive xargs chroot "$root" apt-get purge -y -q
chroot "$root" depmod "$kernel"
rm -rf "$root/tmp/cpufreq" "$root/tmp/before" "$root/tmp/after"

chroot "$root" useradd --create-home --shell /bin/bash tester
install -d -m 0700 "$root/home/tester/.ssh"
install -m 0600 "$2" "$root/home/tester/.ssh/authorized_keys"
chroot "$root" chown -R tester:tester /home/tester/.ssh
# A login starts a service manager for its user, unless that one is there: each would take seconds.
install -d "$root/var/lib/systemd/linger"
: > "$root/var/lib/systemd/linger/tester"
rm -f "$root"/etc/update-motd.d/*

chroot "$root" systemctl enable systemd-networkd ssh
# What would start by itself in the middle of a test. A unit masked on the kernel command line would not be told from a failed one.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    man-db.timer systemd-timesyncd.service; do
    [ ! -e "$root/lib/systemd/system/$unit" ] || chroot "$root" systemctl disable "$unit"
done
chroot "$root" systemctl mask systemd-networkd-wait-online.service getty@tty1.service

# update-grub needs the disk, so the first boot is by this menu and writes the real one.
cat > "$root/boot/grub/grub.cfg" <<X
search --no-floppy --label --set=root testbed
linux /boot/vmlinuz-$kernel root=LABEL=testbed ro console=ttyS0 net.ifnames=0 quiet
initrd /boot/initrd.img-$kernel
boot
X
cp -r "$root/usr/lib/grub/i386-pc" "$root/boot/grub/"
chroot "$root" grub-mkimage -d /usr/lib/grub/i386-pc -O i386-pc -o /boot/grub/core.img -p '(hd0,msdos1)/boot/grub' \
    biosdisk part_msdos ext2 search search_label
: > "$root/etc/machine-id"
echo testbed > "$root/etc/hostname"
