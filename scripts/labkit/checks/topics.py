# SPDX-License-Identifier: GPL-2.0
"""KUnit suites and selftests at the end of each topic, in a UML guest."""

from .. import kbuild, lane, part, paths, tree, uml
from ..ktap import FAIL, PASS
from ..ui import say
from .context import Outcome


class TopicTests(uml.Tests):
    """The uml lane on a part of the series."""

    def __init__(self, topic, name):
        super().__init__(f"check-{topic}", ["uml"], "256M", 900)
        self.topic = topic
        self.name = name

    def build(self):
        """Link the kernel of the topic's end, build its selftests."""
        target = tree.named(self.name)
        _, _, absent = part.assemble(target, topic=self.topic)
        self.kernel = kbuild.Kernel(target, "um", "uml")
        self.kernel.configure(part.fragments(
            self.fragments, self.kernel.objects / "lab-fragments", absent))
        self.kernel.build("linux")
        return self.kernel.selftests(uml.SELFTESTS)[1]


def check(context, log):
    """Link and test the end of every topic that has commits."""
    outcome = Outcome("tests")
    for topic, _ in context.topic_ends():
        if not any(line.files for line in tree.select(paths.REPO, topic)):
            continue    # nothing to test it with yet
        say(f"end of topic {topic}:")
        TopicTests(topic, "topic-end").run()
        results = lane.read(f"check-{topic}")
        ran = [r for r in results if r.status in (PASS, FAIL)]
        outcome.checked += len(ran)
        log.write(f"{topic}: {len(ran)} tests; "
                  f"{paths.TEST.name}/check-{topic}.tap\n")
        outcome.add(f"topic {topic}: {len(ran)} tests",
                    [f"{r.name}: {r.reason}" for r in results
                     if r.status == FAIL], "tests fail")
    return outcome
