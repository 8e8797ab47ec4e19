"""Comments, ten a post, which also tells who watches."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.messages import AT_MS, BATCH, FRAMES, Sample, offline, words

ANCHOR = "v2_060000231003b20f0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab@finder"
HOST = {"wechat_uin": "3500000001", "finder_username": ANCHOR}
LIVE = {
    "wechat_uin": "3500000001",
    "live_id": "2078000000000000001",
    "live_status": 1,
    "online_count": 128,
    "start_time": 1_759_999_000,
    "like_count": 5021,
    "reward_total_amount_in_wecoin": "310",
    "nickname": "晚间直播",
    "head_url": "",
}


def comment(number: int) -> dict[str, Any]:
    return {
        "msg_time": AT_MS,
        "msg_sub_type": 1,
        "msg_id": f"finderlive_usermsg_comment_0123456789abcdef_{number}",
        "sec_openid": f"v2_060000231003b20f{number:064d}@finder",
        "nickname": "每日读物",
        "seq": str(number + 1),
        "decoded_type": "comment",
        "content": words(number),
        "decoded_openid": "o9hHn5ABCDEFGHIJKLMNOPQRSTUV",
    }


def comments() -> Sample:
    def post(first: int) -> bytes:
        messages = [comment(number) for number in range(first, first + BATCH)]
        return orjson.dumps({"host_info": HOST, "live_info": LIVE, "events": messages})

    return Sample("wechat_channels", [post(BATCH * n) for n in range(FRAMES)], lambda: offline("wechat_channels"))


SAMPLES = (comments(),)
