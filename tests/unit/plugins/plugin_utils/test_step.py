# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.fastpath.cilium.plugins.plugin_utils import journal, policy, record, step


@pytest.mark.parametrize("error", [policy.PolicyError, record.RecordError, journal.JournalError])
def test_errors_meant_for_the_user_are_their_message_and_nothing_else(error):
    with pytest.raises(AnsibleActionFail) as caught:
        with step.failing_with_a_sentence():
            raise error("One sentence.")
    assert str(caught.value) == "One sentence." and caught.value.__cause__ is None and caught.value.__suppress_context__


def test_mistakes_of_ours_are_not_hidden():
    with pytest.raises(KeyError):
        with step.failing_with_a_sentence():
            raise KeyError("bug")


def test_a_failure_carries_its_result():
    with pytest.raises(AnsibleActionFail) as caught:
        step.fail("No.", failures=["No."])
    assert caught.value.result["failures"] == ["No."]
