"""Scenes: what the virtual human says, in front of what, and the layers around it."""

from __future__ import annotations

from typing import Annotated, Any

from bridge.metastudio.models.base import Part
from bridge.metastudio.models.limits import COLOUR, REQUIRED, Items, chars, integer, one_of

_Id = Annotated[str, chars(0, 64)]
_Url = Annotated[str, chars(1, 2048)]
_Pixels = Annotated[int, integer(1, 7680)]


class VoiceConfig(Part):
    """A voice; 100 is normal speed and pitch."""

    voice_asset_id: Annotated[str, chars(1, 256), REQUIRED] = ""
    speed: Annotated[int, integer(50, 200)] | None = None
    pitch: Annotated[int, integer(50, 200)] | None = None
    volume: Annotated[int, integer(90, 240)] | None = None


class BackgroundImageConfig(Part):
    """Place and size of a background picture, which must cover the canvas."""

    dx: Annotated[int, REQUIRED] = 0
    dy: Annotated[int, REQUIRED] = 0
    width: Annotated[int, REQUIRED] = 0
    height: Annotated[int, REQUIRED] = 0


class BackgroundConfig(Part):
    """A background. The last four fields were withdrawn from the newest API; older room files carry them."""

    background_type: Annotated[str, one_of("IMAGE", "COLOR", "IMAGE_2D", "VIDEO", "AUDIO"), REQUIRED] = ""
    background_config: _Url | None = None
    background_color_config: Annotated[str, COLOUR] | None = None
    background_asset_id: _Id | None = None
    background_image_config: BackgroundImageConfig | None = None
    background_title: str | None = None
    background_cover_url: str | None = None
    human_position_2d: dict[str, Any] | None = None
    human_size_2d: dict[str, Any] | None = None


class LayerPosition(Part):
    """The upper left corner on a 1920x1080 or 1080x1920 canvas; layer 1 is the lowest."""

    dx: Annotated[int, integer(-1920, 3840), REQUIRED] = 0
    dy: Annotated[int, integer(-1920, 3840), REQUIRED] = 0
    layer_index: Annotated[int, integer(1, 100), REQUIRED] = 1


class LayerSize(Part):
    """Width and height on the same canvas."""

    width: _Pixels | None = None
    height: _Pixels | None = None


class LayerRotation(Part):
    """Degrees around the centre; videos do not turn."""

    angle: Annotated[int, integer(0, 360)] | None = None


class ImageLayer(Part):
    """A picture."""

    image_url: _Url | None = None


class VideoLayer(Part):
    """A video; ``loop_count`` -1 repeats it without end, ``video_sound`` is per cent."""

    video_url: _Url | None = None
    video_cover_url: _Url | None = None
    loop_count: Annotated[int, integer(-1, 100)] | None = None
    video_sound: Annotated[int, integer(0, 100)] | None = None
    is_play_the_entire_video: bool | None = None


class TextLayer(Part):
    """A text; ``text_context`` is Base64."""

    text_context: Annotated[str, chars(0, 1024)] | None = None
    font_name: Annotated[str, chars(0, 64)] | None = None
    font_size: Annotated[int, integer(0, 120)] | None = None
    font_color: Annotated[str, chars(0, 16)] | None = None


class Layer(Part):
    """One layer of a scene; ``sequence_no`` ties it to a paragraph."""

    layer_type: Annotated[str, one_of("HUMAN", "IMAGE", "VIDEO", "TEXT"), REQUIRED] = ""
    asset_id: _Id | None = None
    group_id: _Id | None = None
    sequence_no: Annotated[int, integer(0, 2**31 - 1)] | None = None
    position: LayerPosition | None = None
    size: LayerSize | None = None
    rotation: LayerRotation | None = None
    image_config: ImageLayer | None = None
    video_config: VideoLayer | None = None
    text_config: TextLayer | None = None


class TextConfig(Part):
    """Words to speak, plain or SSML; at most 10000 characters without the tags."""

    text: Annotated[str, chars(0, 131_072), REQUIRED] = ""


class AudioConfig(Part):
    """A recording in place of words: MP3 below 100 MB, subtitles SRT below 1 MB."""

    asset_id: _Id | None = None
    audio_url: Annotated[str, chars(0, 2048)] | None = None
    subtitle_url: Annotated[str, chars(0, 2048)] | None = None


class RelationProduct(Part):
    """The product that a paragraph sells; the paragraph's callback carries it."""

    product_id: str | None = None
    product_title: str | None = None


class ShootScript(Part):
    """One paragraph."""

    sequence_no: Annotated[int, integer(0, 2**31 - 1)] | None = None
    title: Annotated[str, chars(0, 256)] | None = None
    text_config: TextConfig | None = None
    audio_config: AudioConfig | None = None
    relation_product: RelationProduct | None = None


class SceneScript(Part):
    """One scene: a virtual human, its voice, and the paragraphs it speaks."""

    script_id: Annotated[str, chars(1, 64)] | None = None
    script_name: Annotated[str, chars(1, 256), REQUIRED] = ""
    script_description: Annotated[str, chars(0, 1024)] | None = None
    dh_id: _Id | None = None
    model_asset_id: _Id | None = None
    voice_config: VoiceConfig | None = None
    background_config: Annotated[list[BackgroundConfig], Items(10)] | None = None
    layer_config: Annotated[list[Layer], Items(100)] | None = None
    shoot_scripts: Annotated[list[ShootScript] | None, Items(100), REQUIRED] = None
