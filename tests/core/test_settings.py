import pytest
from pydantic import ValidationError

from facetracker.core import settings as config
from facetracker.core.errors import FaceTrackerError


@pytest.mark.parametrize("preset", config.preset_names())
def test_every_preset_is_valid_and_says_its_name(preset):
    assert config.load_settings(preset).preset == preset


@pytest.mark.parametrize("preset", config.preset_names())
def test_every_preset_opens_with_its_command_its_time_and_its_score(preset):
    opening = (config.PRESETS / f"{preset}.yaml").read_text().partition("\nmodel:")[0]
    command, *about = opening.splitlines()
    assert command.startswith("# facetracker ")
    assert command.endswith(f"--preset {preset}")
    assert all(word in "\n".join(about) for word in ("Two cores:", "GPU:", "Score"))


def test_every_setting_says_what_it_means():
    sections = [config.ModelSettings, config.DataSettings, config.TrainingSettings, config.SeveralSettings]
    fields = {f"{one.__name__}.{name}": field for one in sections for name, field in one.model_fields.items()}
    assert len(fields) > 30
    assert [name for name, field in fields.items() if not field.description] == []


def test_the_default_preset_is_the_tutorials_recipe():
    settings = config.load_settings()
    assert (settings.model.backbone, settings.model.image_size, settings.model.head) == ("vgg16", 120, "single")
    assert (settings.data.batch_size, settings.training.epochs, settings.training.learning_rate) == (8, 40, 1e-4)


def test_changes_win_over_the_preset_and_are_typed():
    settings = config.load_settings(
        "nano", ["training.epochs=3", "training.learning_rate=1e-3", "model.classes=[with_mask, without_mask]"]
    )
    assert settings.training.epochs == 3
    assert settings.training.learning_rate == 1e-3
    assert settings.model.classes == ["with_mask", "without_mask"]


def test_a_preset_may_want_something_else_of_a_run_from_scratch():
    known, scratch = config.load_settings("nano"), config.load_settings("nano", ["model.weights=none"])
    assert scratch.training.epochs < known.training.epochs
    assert scratch.training.learning_rate == known.training.learning_rate
    assert config.load_settings("nano", ["training.epochs=3", "model.weights=none"]).training.epochs == 3


def test_a_typo_in_what_a_run_from_scratch_wants_is_named(tmp_path):
    preset = tmp_path / "mine.yaml"
    preset.write_text("model: {weights: none}\nfrom_scratch: {training: {epoch: 5}}\n")
    with pytest.raises(FaceTrackerError, match=r"Did you mean training\.epochs"):
        config.load_settings(preset)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("training.epoch=5", "Did you mean training.epochs"),
        ("epochs=5", "Did you mean training.epochs"),
        ("training.epochs", "key=value"),
        ("training.epochs=many", "training.epochs"),
        ("training.epochs=0", "greater than or equal to 1"),
        ("qqqq=1", "no setting is called qqqq"),
    ],
)
def test_a_wrong_change_is_one_line_with_the_way_out(change, line):
    with pytest.raises(FaceTrackerError, match=line) as caught:
        config.load_settings("vgg16", [change])
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(FaceTrackerError, match="Did you mean vgg16"):
        config.load_settings("vgg61")


def test_a_preset_may_be_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("training: {epochs: 7}\n")
    settings = config.load_settings(path)
    assert (settings.preset, settings.training.epochs) == ("mine", 7)
    path.write_text("training: {epoks: 7}\n")
    with pytest.raises(FaceTrackerError, match=r"training\.epochs"):
        config.load_settings(path)


@pytest.mark.parametrize("content", ["[1, 2]", "a: [", "\x00"])
def test_a_broken_settings_file_is_named(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(FaceTrackerError, match=r"mine\.yaml"):
        config.load_settings(path)


def test_saved_settings_read_back_equal(tmp_path):
    settings = config.load_settings("nano", ["training.ema=0.5"])
    settings.save(tmp_path / "config.yaml")
    assert config.read_settings(tmp_path / "config.yaml") == settings


def test_what_an_older_run_noted_in_its_settings_is_passed_over(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("data: {batch_size: 4, deterministic: false}\nseveral: {workers: 2, batch: 8, seeds: [0, 1009]}\n")
    settings = config.read_settings(path)
    assert (settings.data.batch_size, settings.several.workers) == (4, 2)
    with pytest.raises(FaceTrackerError, match=r"no setting is called data\.deterministic"):
        config.load_settings("nano", ["data.deterministic=true"])


def test_settings_are_read_and_never_written_to():
    settings = config.load_settings("nano")
    with pytest.raises(ValidationError, match="frozen"):
        settings.training.epochs = 3


def test_a_setting_of_an_older_version_says_what_to_do(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("training: {keep: auto, replay: null}\n")
    for read in (lambda: config.read_settings(path), lambda: config.load_settings("nano", ["training.keep=finding"])):
        with pytest.raises(FaceTrackerError, match=r"no training\.keep any more.*facetracker train") as caught:
            read()
        assert "\n" not in str(caught.value)
    with pytest.raises(FaceTrackerError, match=r"config\.yaml"):
        config.read_settings(path)


@pytest.mark.parametrize("text", ["training:", "training: 5", "training: [1]"])
def test_a_section_that_is_no_mapping_is_a_mistake(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(FaceTrackerError):
        config.load_settings(tmp_path / "mine.yaml", ["training.epochs=3"])
