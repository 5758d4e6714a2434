// Copyright: fastpath.cilium developers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

package agent

import (
	"fmt"
	"strconv"
	"strings"
)

// version is an agent release; only its three numbers matter for what it accepts and prints.
type version struct{ major, minor, patch int }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

func (v version) before(other version) bool {
	if v.major != other.major {
		return v.major < other.major
	}
	if v.minor != other.minor {
		return v.minor < other.minor
	}
	return v.patch < other.patch
}

// atLeast tells whether v is the first release of the minor "1.minor" or later.
func (v version) atLeast(minor int) bool { return !v.before(version{1, minor, 0}) }

// leadingNumbers reads up to three dotted numbers at the start of text and says how many there were.
func leadingNumbers(text string) ([3]int, int) {
	var numbers [3]int
	count := 0
	for _, part := range strings.SplitN(text, ".", 3) {
		end := 0
		for end < len(part) && part[end] >= '0' && part[end] <= '9' {
			end++
		}
		number, err := strconv.Atoi(part[:end])
		if err != nil {
			break
		}
		numbers[count] = number
		count++
		if end < len(part) {
			break
		}
	}
	return numbers, count
}

// parseVersion reads "1.13.4", "v1.16.0-rc.1" or "1.18.2-cee.1"; what follows the numbers is left out.
func parseVersion(text string) (version, error) {
	numbers, count := leadingNumbers(strings.TrimPrefix(text, "v"))
	if count != 3 {
		return version{}, fmt.Errorf("%q is not an agent version: give one like 1.13.4", text)
	}
	v := version{numbers[0], numbers[1], numbers[2]}
	if v.before(firstVersion) || !v.before(endVersion) {
		return version{}, fmt.Errorf("agent version %s is not simulated: choose one of 1.11 to 1.20", text)
	}
	return v, nil
}

var (
	firstVersion = version{1, 11, 0}
	endVersion   = version{1, 21, 0}
)

// span is a range of releases: from since up to, but without, end.
type span struct {
	since, end version
	text       string
}

func (s span) has(v version) bool { return !v.before(s.since) && v.before(s.end) }

// versions reads a column of the facts: "all", "1.13", "1.11-1.12", "1.17.4+"; both ends are part of the range.
// It panics on anything else, since it only reads the tables of this package.
func versions(text string) span {
	if text == "all" {
		return span{firstVersion, endVersion, text}
	}
	if since, open := strings.CutSuffix(text, "+"); open {
		return span{bound(since, false), endVersion, text}
	}
	since, until, ranged := strings.Cut(text, "-")
	if !ranged {
		until = since
	}
	return span{bound(since, false), bound(until, true), text}
}

// bound reads one end of a span; as upper end it is the first release that is no longer part of it.
func bound(text string, upper bool) version {
	numbers, count := leadingNumbers(text)
	v := version{numbers[0], numbers[1], numbers[2]}
	switch {
	case count < 2:
		panic("not a range of versions: " + text)
	case upper && count == 2:
		return version{v.major, v.minor + 1, 0}
	case upper:
		return version{v.major, v.minor, v.patch + 1}
	}
	return v
}

// kernel is a node's kernel release, compared by its numbers alone.
type kernel struct {
	numbers [3]int
	release string
}

func parseKernel(release string) (kernel, error) {
	numbers, count := leadingNumbers(release)
	if count < 2 {
		return kernel{}, fmt.Errorf("unable to determine the kernel version from %q: give one like 6.2.0-26-generic", release)
	}
	return kernel{numbers, release}, nil
}

// older tells whether the kernel is older than the one named by its leading numbers ("5.10", "4.19.57").
func (k kernel) older(than string) bool {
	wanted, _ := leadingNumbers(than)
	for i, number := range k.numbers {
		if number != wanted[i] {
			return number < wanted[i]
		}
	}
	return false
}

// rhel8 tells whether this is the 4.18 kernel of RHEL 8, which carries back-ported BPF features.
func (k kernel) rhel8() bool {
	return k.numbers[0] == 4 && k.numbers[1] == 18 && strings.Contains(k.release, "el8")
}
