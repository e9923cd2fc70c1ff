from edge.tic.speed import SpeedFinder


def test_silence_and_good_groups_keep_the_speed():
    finder = SpeedFinder((9600, 1200))
    assert not any(finder.observe(0, 0, now_s) for now_s in range(100))
    assert not any(finder.observe(960, now_s, now_s) for now_s in range(100, 200))
    assert finder.speed == 9600


def test_bytes_without_groups_try_the_other_speed_and_come_back():
    finder = SpeedFinder((9600, 1200))
    changes = [now_s for now_s in range(20) if finder.observe(120, 0, now_s)]
    assert changes == [5, 10, 15]
    assert finder.speed == 1200


def test_a_mode_change_is_followed_after_years_at_one_speed():
    finder = SpeedFinder((9600, 1200))
    for now_s in range(1000):
        finder.observe(960, now_s, now_s)
    now_s = 1000
    while finder.speed == 9600:
        finder.observe(960, 999, now_s)
        now_s += 1
    assert now_s <= 1010


def test_a_few_odd_bytes_do_not_change_the_speed():
    finder = SpeedFinder((9600, 1200))
    assert not any(finder.observe(1, 0, now_s) for now_s in range(150))


def test_one_speed_alone_is_kept():
    finder = SpeedFinder((1200,))
    assert not any(finder.observe(120, 0, now_s) for now_s in range(50))
    assert finder.speed == 1200
