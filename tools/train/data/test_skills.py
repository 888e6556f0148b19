"""Reserved wordings stay reserved, and the tables yield what the models that ship were trained on.

python -m tools.train.data.test_skills
"""

import hashlib
import random
import unittest

from tools.train.data import skills, texts


class SkillsTests(unittest.TestCase):
    def test_reserved_wordings_are_never_drawn(self) -> None:
        chance = random.Random(1)
        parts = [*skills.WORDINGS.values(), *skills.TOPICS.values()]

        def plain(name: str) -> set[tuple[str, ...]]:
            return {tuple(skills.words(wording)) for part in parts for wording in part[name]}

        self.assertFalse(plain("train") & (plain("choose") | plain("reserved")))
        drawn = {skills.exchange(chance).wording for _ in range(20000)}
        self.assertFalse(drawn & {wording for part in parts for wording in part["reserved"]})
        opened = {tuple(skills.words(skills.opened(chance, skills.exchange(chance).question))) for _ in range(20000)}
        self.assertFalse(opened & (plain("choose") | plain("reserved")))

    def test_each_list_keeps_one_wording_for_choosing_and_one_for_the_final_test(self) -> None:
        for sets in (*skills.WORDINGS.values(), *skills.TOPICS.values()):
            self.assertEqual((len(sets["choose"]), len(sets["reserved"])), (1, 1))
            self.assertEqual(sets["train"][-len(sets["more"]) :], sets["more"])

    def test_every_topic_has_an_answer_with_a_word_to_hear(self) -> None:
        self.assertEqual(list(skills.ANSWERS), list(skills.TOPICS))
        for answer in skills.ANSWERS.values():
            self.assertRegex(answer, r"\*.+\*")

    def test_what_is_drawn_by_a_seed_stays_the_same(self) -> None:
        drawn = []
        for part in texts.SETS:
            chance = random.Random(part)
            for _ in range(2000):
                item = skills.exchange(chance, part)
                drawn.append(repr(item) + skills.opened(chance, item.question))
        digest = hashlib.sha256("\n".join(drawn).encode()).hexdigest()
        self.assertEqual(digest, "4730167a32ae9685bd45e5237011bd896858fb942a123488b70d9413d50f607b")


if __name__ == "__main__":
    unittest.main()
