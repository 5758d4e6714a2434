# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""systemctl, tuned-adm, tc, update-grub, grubby and systemd-run over a FakeHost's folder, as their manuals describe them."""
from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List

from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Answer

OK = Answer(0, "", "")
SYSTEM = "/etc/systemd/system"
Machine = Dict[str, Any]


# systemctl

def fragment(host: Any, name: str) -> str:
    """Where a unit's file is; a link to /dev/null masks it; empty where there is none."""
    for folder in (SYSTEM, "/run/systemd/system", "/lib/systemd/system"):
        path = Path(host.at(folder + "/" + name))
        if path.is_symlink() and os.readlink(path) == "/dev/null":
            return "/dev/null"
        if path.is_symlink():
            return os.readlink(path)
        if path.exists():
            return folder + "/" + name
    return ""


def install(host: Any, name: str) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {"WantedBy": [], "Alias": [], "Also": []}
    where = fragment(host, name)
    if where not in ("", "/dev/null"):
        for key, value in re.findall(r"^(WantedBy|Alias|Also)=(.*)$", host.text(where), re.M):
            found[key] += value.split()
    return found


def on_disk(host: Any, name: str) -> str:
    where = fragment(host, name)
    if where in ("", "/dev/null"):
        return "masked" if where else ""
    wanted = install(host, name)
    links = [path for path in Path(host.at(SYSTEM)).glob("*.wants/*") if path.name == name]
    if not any(wanted.values()):
        return "static"
    return "enabled" if links else "disabled"


def reload(host: Any) -> None:
    """systemd knows what it read when it last reloaded."""
    names = {path.name for path in Path(host.root).glob("*/systemd/system/*.*") if path.suffix in (".service", ".socket")}
    host.lay("/run/systemd/cache.json", json.dumps({name: on_disk(host, name) for name in sorted(names)}))


def systemctl(host: Any, machine: Machine, argv: List[str]) -> Answer:
    argv = [word for word in argv if word not in ("--no-ask-password", "--")]
    verb, name = argv[0], argv[-1]
    if verb == "daemon-reload":
        reload(host)
        return OK
    if verb == "is-active":
        there = name in machine["active"] or name in machine["timers"]
        return Answer(0 if there else 3, "active\n" if there else "inactive\n", "")
    if verb == "show":
        known = json.loads(host.text("/run/systemd/cache.json"))
        where = fragment(host, name)
        state = known[name] if name in known else on_disk(host, name)
        load = "masked" if state == "masked" else "loaded" if where else "not-found"
        active = "active" if name in machine["active"] else "inactive"
        return Answer(0, f"LoadState={load}\nUnitFileState={state}\nActiveState={active}\nNames={name}\nFragmentPath={where}\n", "")
    return change_unit(host, machine, verb, name)


def change_unit(host: Any, machine: Machine, verb: str, name: str) -> Answer:
    if verb == "stop" and name in machine["timers"]:
        del machine["timers"][name]
        return OK
    where = fragment(host, name)
    if not where and verb != "mask":
        return Answer(5, "", f"Failed to {verb} {name}: Unit {name} not loaded.")
    if verb == "start":
        if where == "/dev/null":
            return Answer(1, "", f"Failed to start {name}: Unit {name} is masked.")
        machine["active"] = sorted({*machine["active"], name})
        return OK
    if verb == "stop":
        machine["active"] = [one for one in machine["active"] if one != name]
        if name == "tuned.service":
            leave_profile(host, machine)
        return OK
    links(host, verb, name, where)
    reload(host)
    return OK


def links(host: Any, verb: str, name: str, where: str) -> None:
    own = Path(host.at(SYSTEM + "/" + name))
    if verb == "mask":
        own.symlink_to("/dev/null")
    elif verb == "unmask":
        if own.is_symlink() and os.readlink(own) == "/dev/null":
            own.unlink()
    elif verb == "enable":
        wanted = install(host, name)
        for target in wanted["WantedBy"]:
            add_link(host, f"{SYSTEM}/{target}.wants/{name}", where)
        for alias in wanted["Alias"]:
            add_link(host, f"{SYSTEM}/{alias}", where)
        for other in wanted["Also"]:
            links(host, verb, other, fragment(host, other))
    elif verb == "disable":
        drop_links(host, name)
        for other in install(host, name)["Also"]:
            drop_links(host, other)


def add_link(host: Any, name: str, target: str) -> None:
    if not os.path.lexists(host.at(name)):
        host.lay(name, "-> " + target)


def drop_links(host: Any, name: str) -> None:
    for path in [*Path(host.at(SYSTEM)).glob("*.wants/*"), *Path(host.at(SYSTEM)).glob("*.*")]:
        if path.is_symlink() and os.readlink(path) != "/dev/null" and name in (path.name, Path(os.readlink(path)).name):
            path.unlink()
            if path.parent.name.endswith(".wants") and not list(path.parent.iterdir()):
                path.parent.rmdir()


# tuned-adm

def leave_profile(host: Any, machine: Machine) -> None:
    """tuned puts the values back that its profile changed."""
    for name, text in machine["tuned"]["saved"].items():
        Path(host.at(name)).write_text(text)
    machine["tuned"] = {"profile": "", "saved": {}}


def enter_profile(host: Any, machine: Machine, name: str) -> None:
    if machine["tuned"]["profile"].startswith("network"):
        leave_boot_arguments(host)  # not when it only stops
    leave_profile(host, machine)
    saved = {}
    if name.startswith("network"):
        saved["/proc/sys/net/core/somaxconn"] = host.text("/proc/sys/net/core/somaxconn")
        host.lay("/proc/sys/net/core/somaxconn", "2048\n")
        enter_boot_arguments(host)
    machine["tuned"] = {"profile": name, "saved": saved}


# As tuned's bootloader plugin writes them; when a profile goes only its variable is emptied.
TUNED_LINE = 'GRUB_CMDLINE_LINUX_DEFAULT="${GRUB_CMDLINE_LINUX_DEFAULT:+$GRUB_CMDLINE_LINUX_DEFAULT }\\$tuned_params"\n'


def enter_boot_arguments(host: Any) -> None:
    if not Path(host.at("/etc/default/grub")).exists():
        return
    settings = host.text("/etc/default/grub")
    if TUNED_LINE not in settings:
        host.lay("/etc/default/grub", settings + TUNED_LINE)
    menu = host.text("/boot/grub/grub.cfg") if Path(host.at("/boot/grub/grub.cfg")).exists() else ""
    if menu and "tuned_params" not in menu:
        host.lay("/boot/grub/grub.cfg", re.sub(r"(?m)^(\tlinux\t(?!.* single ).*)$", r"\1 $tuned_params", menu))
    host.lay("/etc/tuned/bootcmdline", 'TUNED_BOOT_CMDLINE="skew_tick=1"\n')


def leave_boot_arguments(host: Any) -> None:
    if Path(host.at("/etc/tuned/bootcmdline")).exists():
        host.lay("/etc/tuned/bootcmdline", 'TUNED_BOOT_CMDLINE=""\n')


def tuned_adm(host: Any, machine: Machine, argv: List[str]) -> Answer:
    running = "tuned.service" in machine["active"]
    preset = host.text("/etc/tuned/active_profile").strip()
    if argv == ["active"]:
        if not running:
            return Answer(2, f"Current active profile: {preset}\n" if preset else "", "It seems that tuned daemon is not running, "
                          "preset profile is not activated.\nPreset profile: balanced\n")
        name = machine["tuned"]["profile"]
        return Answer(0, f"Current active profile: {name}\n" if name else "No current active profile.\n", "")
    if not running:
        return Answer(1, "", "Cannot talk to TuneD daemon via DBus. Is TuneD daemon running?")
    name = {"profile": " ".join(argv[1:]), "auto_profile": "balanced", "off": ""}[argv[0]]
    if name.startswith("missing"):
        return Answer(1, "", f"Requested profile '{name}' doesn't exist.")
    enter_profile(host, machine, name)
    host.lay("/etc/tuned/active_profile", name + "\n")
    host.lay("/etc/tuned/profile_mode", "auto\n" if argv[0] == "auto_profile" else "manual\n")
    return OK


# tc

def described(kind: str, **more: Any) -> Dict[str, Any]:
    options = {"pfifo_fast": {"bands": 3, "multiqueue": False}, "pfifo": {"limit": 1000}, "mq": {}}.get(kind, {"limit": 10000})
    return dict({"kind": kind, "handle": "0:", "options": options}, **more)


def queues(host: Any, device: str) -> int:
    return len(list(Path(host.at(f"/sys/class/net/{device}/queues")).glob("tx-*")))


def chosen(host: Any, device: str) -> List[Dict[str, Any]]:
    """What the kernel takes by itself: mq where there are several queues, and default_qdisc."""
    kind = host.text("/proc/sys/net/core/default_qdisc").strip()
    count = queues(host, device)
    if count == 1:
        return [described(kind, root=True, refcnt=2)]
    return [described("mq", root=True)] + [described(kind, parent=f":{n:x}") for n in range(1, count + 1)]


def tc(host: Any, machine: Machine, argv: List[str]) -> Answer:
    device = argv[argv.index("dev") + 1]
    if device not in machine["mtu"]:
        return Answer(1, "", f'Cannot find device "{device}"')
    present = machine["disciplines"][device]
    if argv[:2] == ["-json", "qdisc"]:
        return Answer(0, json.dumps([dict(one, dev=device) for one in present] + [{"kind": "clsact", "parent": "ffff:fff1"}]), "")
    if argv[1] == "del":
        if present[0]["handle"] == "0:":
            return Answer(2, "", "RTNETLINK answers: No such file or directory")
        machine["disciplines"][device] = chosen(host, device)
        return OK
    return replace(host, machine, device, argv[argv.index("dev") + 2:])


def replace(host: Any, machine: Machine, device: str, words: List[str]) -> Answer:
    handle = words[words.index("handle") + 1] if "handle" in words else "8001:"
    parent = words[1] if words[0] == "parent" else ""
    kind = [word for word in words if word in ("mq", "fq", "fq_codel", "pfifo", "pfifo_fast", "noqueue")][0]
    if parent:
        made = described(kind, handle=handle, parent=parent)
        present = machine["disciplines"][device]
        number = parent.rpartition(":")[2]
        machine["disciplines"][device] = [made if one.get("parent", "").rpartition(":")[2] == number and not one.get("root")
                                          else one for one in present]
    else:
        leaves = [dict(one, parent=handle + one["parent"][1:]) for one in chosen(host, device)[1:]] if kind == "mq" else []
        machine["disciplines"][device] = [described(kind, handle=handle, root=True)] + leaves
    return OK


# Boot loaders

def update_grub(host: Any, machine: Machine, argv: Any = None) -> Answer:
    """As grub-mkconfig: the shell reads the settings, each kernel has an entry and one for recovery."""
    files = ["/etc/default/grub", *sorted("/etc/default/grub.d/" + path.name
                                          for path in Path(host.at("/etc/default/grub.d")).glob("*.cfg"))]
    script = "".join(f". {host.at(name)}; " for name in files) + 'echo "$GRUB_CMDLINE_LINUX"; echo "$GRUB_CMDLINE_LINUX_DEFAULT"'
    done = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    always, normal = done.stdout.splitlines()
    entries = ""
    for kernel in ("6.1.0-18", "6.1.0-13"):
        entries += (f"menuentry 'Debian GNU/Linux, with Linux {kernel}' --class debian {{\n"
                    f"\tlinux\t/boot/vmlinuz-{kernel} root=UUID=1 ro {always} {normal}\n}}\n"
                    f"menuentry 'Debian GNU/Linux, with Linux {kernel} (recovery mode)' {{\n"
                    f"\tlinux\t/boot/vmlinuz-{kernel} root=UUID=1 ro single {always}\n}}\n")
    host.lay("/boot/grub/grub.cfg", entries)
    return OK


def grubby(host: Any, machine: Machine, argv: List[str]) -> Answer:
    if argv == ["--info=ALL"]:
        return Answer(0, "".join(f'index={number}\nkernel="{kernel}"\nargs="{" ".join(args)}"\nroot="/dev/vda1"\n'
                                 for number, (kernel, args) in enumerate(machine["kernels"].items())), "")
    options = dict(word[2:].split("=", 1) for word in argv)
    for kernel, args in machine["kernels"].items():
        if options["update-kernel"] in ("ALL", kernel):
            word = options.get("args") or options["remove-args"]
            left = [one for one in args if one.split("=")[0] != word.split("=")[0]]
            machine["kernels"][kernel] = left + ([word] if "args" in options else [])
    return OK


def systemd_run(host: Any, machine: Machine, argv: List[str]) -> Answer:
    if argv == ["--version"]:
        return Answer(0, "systemd 252\n", "")
    if machine.get("no_timers"):
        return Answer(1, "", "Failed to start transient timer unit: Access denied")
    name = next(word.split("=", 1)[1] for word in argv if word.startswith("--unit="))
    machine["timers"][name + ".timer"] = argv
    return OK


COMMANDS: Dict[str, Callable[..., Answer]] = {
    "systemctl": systemctl, "tuned-adm": tuned_adm, "tc": tc, "update-grub": update_grub, "grubby": grubby,
    "systemd-run": systemd_run,
}
