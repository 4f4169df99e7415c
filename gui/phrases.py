"""What the engine says, in the panel's language.

`rtvc` knows nothing of Qt, so its sentences arrive in English with names and figures filled in. `translated` finds
the phrase that a sentence was made from, and fills in the translation. A sentence that no phrase matches stays
English: those that only the command line or a damaged model pack leads to are not listed. Where the engine's sentence
names a command or an option, the panel has its own (`IN_PANEL`). A test compares them with the texts in `rtvc`.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from gui.language import tr, tr_noop

NESTED = "error"
"""The placeholder that stands for another sentence of the engine."""

PHRASES = (
    # Names
    tr_noop("System default"),
    tr_noop("A program"),
    tr_noop("Preferences and presets"),
    tr_noop("Voices and enrolments"),
    tr_noop("Model packs"),
    tr_noop("Caches"),
    tr_noop("Crash reports"),
    tr_noop("low"),
    tr_noop("medium"),
    tr_noop("high"),
    # The shipped voices
    tr_noop("Very low and calm"),
    tr_noop("Fairly high and calm"),
    tr_noop("Medium and even"),
    tr_noop("Very high and bright"),
    tr_noop("High and expressive"),
    tr_noop("Low and relaxed"),
    tr_noop("High and clear"),
    tr_noop("Medium and calm, recorded in German"),
    tr_noop("Fairly high and smooth"),
    tr_noop("Low and very even"),
    tr_noop("Low and expressive"),
    tr_noop("Medium and lively"),
    tr_noop("Low and full"),
    tr_noop("Medium and expressive"),
    tr_noop("High and lively"),
    # The supplied presets
    tr_noop("Natural"),
    tr_noop("Close"),
    tr_noop("Clear"),
    tr_noop("Low-end computer"),
    tr_noop("Stream"),
    tr_noop("Call"),
    tr_noop("The defaults: the voice's own pitch and intonation."),
    tr_noop("A little more similar to the voice; words a little less clear."),
    tr_noop("Clearer words; a little less similar to the voice."),
    tr_noop("A third less work for the processor; at least 20 ms more delay."),
    tr_noop("Livelier intonation; fewer gaps while gaming; more delay."),
    tr_noop("Clearer words; a noise gate for keyboard and fan noise."),
    tr_noop(
        "The voice {voice} of the preset {name} no longer exists, so the voice is unchanged: choose another one and "
        "store the preset again."
    ),
    tr_noop("{name} comes with rtvc and cannot be replaced: choose another name for your preset."),
    # The virtual microphone, Discord and OBS
    tr_noop(
        "rtvc creates the virtual microphone when you switch the voice changer on. Create it now if you want to "
        "select it in Discord or OBS first."
    ),
    tr_noop(
        "Install VB-CABLE (vb-audio.com/Cable) or Virtual Audio Cable, and restart the computer.\n"
        'rtvc then plays into "CABLE Input"; choose "CABLE Output" as the microphone in Discord or OBS.'
    ),
    tr_noop(
        "Install BlackHole with: brew install blackhole-2ch\n"
        'rtvc then plays into "BlackHole 2ch"; choose "BlackHole 2ch" as the microphone in Discord or OBS.'
    ),
    tr_noop(
        "Run PipeWire with pipewire-pulse, or PulseAudio, and install the library libpulse0.\n"
        'rtvc then creates "{microphone}"; choose it as the microphone in Discord or OBS.'
    ),
    tr_noop("User Settings"),
    tr_noop("Voice & Video"),
    tr_noop("Input Device"),
    tr_noop("Turn off Noise Suppression and Echo Cancellation. If it is not listed, reload Discord with Ctrl+R."),
    tr_noop("Sources"),
    tr_noop("Audio Input Capture"),
    tr_noop("Audio Input Capture (PulseAudio)"),
    tr_noop("Device"),
    tr_noop("No virtual microphone is installed.\n{error}"),
    tr_noop("The sound server refused to create the virtual microphone ({reason})."),
    tr_noop("Another rtvc (process {number}) uses the virtual microphone: close it first."),
    # Devices
    tr_noop("{device} cannot be opened ({reason})."),
    tr_noop("{device} was disconnected"),
    tr_noop("{device} has stalled"),
    tr_noop("{error}. Reconnecting…"),
    tr_noop("No monitor: {error}"),
    tr_noop("{error}: you no longer hear yourself."),
    tr_noop("PortAudio cannot reach the devices ({reason})."),
    tr_noop("PortAudio is missing: install it (Debian and Ubuntu: apt install libportaudio2)."),
    tr_noop("libpulse is missing: install it (Debian and Ubuntu: apt install libpulse0)."),
    tr_noop("No PulseAudio or PipeWire server answers: start one (pipewire-pulse or pulseaudio)."),
    tr_noop("The sound server does not remove old devices: restart it."),
    tr_noop("The sound server moved the {role} from {device} to {other}"),
    tr_noop("The sound server removed {device}"),
    tr_noop("The sound server stopped"),
    tr_noop("{device} rejects every common sample rate: close other programs that use it."),
    # The engine
    tr_noop("{error} Until there is a map, listeners hear silence."),
    tr_noop("The map is being fitted."),
    tr_noop("{error} The voice stays {voice}."),
    tr_noop("No voice is chosen: choose one, or set the strength to 0 to send your own voice."),
    tr_noop("The engine has stopped because of an internal error ({reason})."),
    tr_noop("An internal error stopped the fit ({reason}): choose another voice or transport."),
    tr_noop(
        "No usable map can be fitted between these voices; the features of one are damaged. Add the voice again, or "
        "enrol again."
    ),
    tr_noop("A recording is already running: stop it first."),
    tr_noop("CUDA does not work here: install an NVIDIA driver and onnxruntime-gpu[cuda,cudnn], or use the CPU."),
    tr_noop("ordinary priority"),
    tr_noop("real-time priority {number}"),
    tr_noop("real-time priority {number} via RealtimeKit"),
    tr_noop("ordinary priority: {reason}"),
    tr_noop("{path} cannot be read ({reason})."),
    tr_noop("Effects need the package pedalboard: install rtvc with the extra `effects`."),
    tr_noop(
        "Noise suppression needs RNNoise, which is not installed or not made for this system: "
        "`pip install --no-deps pyrnnoise` adds it."
    ),
    tr_noop("Your voice was learnt with noise suppression, which is off now: switch it on, or enrol again."),
    tr_noop("Your voice was learnt without noise suppression, which is on now: switch it off, or enrol again."),
    tr_noop("{path}: contains no clips ({formats})."),
    tr_noop("{path} lasts longer than {minutes} min: choose a shorter clip."),
    tr_noop("Clips cannot be played while the voice changer is off: switch it on first."),
    tr_noop("{path} lasts longer than {seconds} s: shorten the impulse response."),
    tr_noop("{path} cannot be read: replace the impulse response."),
    tr_noop("{path} contains no impulse response: it is silent or damaged."),
    tr_noop("The plug-in {name} cannot be used: {reason}."),
    tr_noop("The plug-in {name} crashed and is bypassed. To restart it, switch it off and on again."),
    tr_noop("The plug-in {name} is too slow and is bypassed. To restart it, switch it off and on again."),
    tr_noop("The plug-in {name} has crashed."),
    tr_noop("The plug-in {name} shows no window: {reason}."),
    tr_noop(
        "The plug-in {name} reports a delay of {number} ms, but an impulse came out after {seconds} ms: the delay "
        "shown may be wrong by the difference."
    ),
    # A server
    tr_noop("Connection to the server lost. Reconnecting…"),
    tr_noop("Sending the new voice to the server."),
    tr_noop("{error} Until then, listeners hear silence."),
    tr_noop("{error} Until then, listeners hear your own voice."),
    tr_noop("{url} does not answer: check the address, and that `rtvc serve` runs."),
    tr_noop("{url} is not a server's address: write it as https://HOST:8788."),
    tr_noop("{url} is not encrypted: a server on another computer needs https."),
    tr_noop("{path}: the token cannot be read ({reason})."),
    tr_noop("The token is missing or wrong."),
    tr_noop("All sessions of this server are in use. Try again later."),
    tr_noop("The server does not have this voice."),
    tr_noop("The server is starting the voice changer."),
    tr_noop("The server cannot convert to this voice. Listeners hear silence."),
    tr_noop("Servers support only the transport mkl; the others need too much computing time."),
    tr_noop("The server answers, but no audio arrives: allow UDP between the two computers (check their firewalls)."),
    # Files
    tr_noop(
        "{path} cannot be read ({reason}), so the defaults are used and no change is saved. Repair or delete it, and "
        "start again."
    ),
    tr_noop("{path}: cannot be read ({reason})"),
    tr_noop("{path}: cannot be written ({reason}). Name another output."),
    tr_noop("{path} cannot be deleted ({reason}): check its permissions."),
    # Trained maps
    tr_noop(
        "The trained map {name} converts only to the voice {voice}, not to {other}: choose that voice, or another "
        "transport."
    ),
    tr_noop("The trained map {name} does not produce usable values: train it again."),
    tr_noop(
        "The map {name} was trained for the model pack {pack} ({digest}), not for {other} ({wanted}): "
        "train it for this pack, or choose another transport."
    ),
    # Voices and enrolments
    tr_noop("{name} cannot be a voice's name: names with this suffix are audio files."),
    tr_noop("{device} delivered no sound: check that it is not muted, and record longer."),
    tr_noop("The enrolment contains only {seconds} s of speech: the voice will be closer with {enough} s or more."),
    tr_noop(
        "The recording contains {seconds} s of speech; an enrolment needs at least {least} s, better 20 s: check the "
        "microphone and record again."
    ),
    tr_noop("{name} contains only {seconds} s of speech: the voice will be closer with {enough} s or more."),
    tr_noop("{path}: contains {error}; a voice needs at least {least} s, better 5 s."),
    tr_noop("no speech"),
    tr_noop("{seconds} s of speech"),
    tr_noop("Only the first {minutes} min of {paths} are used."),
    tr_noop("A voice named {name} already exists: choose another name."),
    tr_noop(
        "The voice {name} cannot be changed ({reason}): check the free space in {folder} and the permission to write "
        "there."
    ),
    tr_noop(
        "{name} cannot be a {kind}'s name: use up to {count} letters, digits, spaces, dots, hyphens and underscores, "
        "with a letter or digit at both ends."
    ),
    tr_noop("{name} cannot be a {kind}'s name: Windows reserves it for a device. Choose another."),
    tr_noop("{path}: is not a voice that can be imported: {reason}."),
    # Files
    tr_noop("{path}: {error}"),
    tr_noop("no such file"),
    tr_noop("is empty"),
    tr_noop("contains no samples"),
    tr_noop("is a folder, not an audio file"),
    tr_noop("is not audio that can be read, or is damaged"),
    tr_noop("cannot be read ({reason})"),
    tr_noop("{path}: cannot be written ({reason})."),
    tr_noop("{folder}: the folder cannot be created ({reason}). Name another folder."),
    tr_noop("The preferences were damaged ({reason}). They are kept as {path}; the defaults are used from now on."),
    tr_noop("Starting with the system cannot be changed ({reason}): change it in the system's own settings."),
    # Model packs
    tr_noop("Checking the files …"),
    tr_noop("Loading the checkpoints …"),
    tr_noop("Building; this takes a few minutes …"),
    tr_noop(
        "The model pack {pack} has no pitch dimension: leave the pitch at 0 semitones and the intonation at 1, or "
        "choose the pack mini."
    ),
    tr_noop("The model pack {pack} does not specify its formants: leave the formants at 1, or choose the pack mini."),
    tr_noop("Building packs needs PyTorch: {error}"),
    tr_noop("Building packs needs PyTorch ({reason}): {error}"),
    tr_noop('run `pip install -e ".[export]"` in the folder of rtvc.'),
    tr_noop("Packs are built with PyTorch, which this bundle lacks: install rtvc from its source to build them."),
    tr_noop("{folder} has {free} MB free and needs {size} MB: make room."),
)

IN_PANEL = {
    "A voice named {name} already exists: choose another name, or replace it with --force.": tr_noop(
        "A voice named {name} already exists: choose another name."
    ),
    "{path} already exists; use --force to replace it.": tr_noop("{path} already exists. Choose another name."),
    "Sinkhorn and flow matching need a recording of your voice, and there is none: enrol with `rtvc enrol`, or "
    "choose the transport mkl or knn.": tr_noop(
        "Sinkhorn and flow matching need a recording of your voice: teach rtvc your voice, or choose MKL or kNN."
    ),
    "{path} contains no effects: {reason}. `rtvc effects show Radio` prints an example.": tr_noop(
        "{path} contains no effects: {reason}."
    ),
    "There is no plug-in {name} in the system's folders for VST3 and Audio Units: install it, or choose another with "
    "`rtvc effects plugins`.{alike}": tr_noop(
        "There is no plug-in {name} in the system's folders for VST3 and Audio Units: install it, or choose "
        "another.{alike}"
    ),
    "There is no impulse response {name}: choose one of {names}, or add a recording with "
    "`rtvc effects impulses FILE`.": tr_noop(
        "There is no impulse response {name}: choose one of {names}, or add a recording."
    ),
    "{path} contains no token: delete it, and `rtvc serve --token-file` creates a new one.": tr_noop(
        "{path} contains no token: copy the server's token file again."
    ),
    'Servers need aiortc and aiohttp: in the folder of rtvc, run `pip install -e ".[server]"`.': tr_noop(
        "Using a server needs the packages aiortc and aiohttp: install rtvc with the extra `server`."
    ),
    "{folder} has no {file}: put it there, or leave out --from to have it downloaded.": tr_noop(
        "{folder} has no {file}: put it there, or choose “Download and build”."
    ),
    "The 8-bit weights of the model pack {name} need a processor with VNNI, which this one lacks: it sounds "
    "distorted here. Build it again with `rtvc models build`.": tr_noop(
        "The 8-bit weights of the model pack {name} need a processor with VNNI, which this one lacks: it sounds "
        "distorted here. Remove it and build it again."
    ),
}
"""Sentences of the engine that name a command or an option, and what the panel says instead."""


def translated(text: str) -> str:
    """Return a text of the engine in the panel's language, or as it is if no phrase matches."""
    if not text:
        return text
    phrase, values = _match(text)
    if NESTED in values:
        values = {**values, NESTED: _translated_part(values[NESTED])}
    return tr(IN_PANEL.get(phrase, phrase)).format(**values) if phrase else text


def _translated_part(text: str) -> str:
    """Return a sentence within another one, which may have lost its full stop there, in the panel's language."""
    if _match(text)[0] or not _match(f"{text}.")[0]:
        return translated(text)
    return translated(f"{text}.").removesuffix(".")


@lru_cache(256)
def _match(text: str) -> tuple[str, dict[str, str]]:
    """Return the phrase that a text was made from, or an empty one, and what its placeholders stand for."""
    for phrase, beginning in _beginnings():
        # Most phrases are told by their beginning: to compile all of them takes 60 ms of every start.
        if text.startswith(beginning) and (match := _pattern(phrase).fullmatch(text)) is not None:
            return phrase, match.groupdict()
    return "", {}


@cache
def _beginnings() -> list[tuple[str, str]]:
    """Return the phrases with the fixed text that they begin with, those with the longest fixed text first."""
    ordered = sorted((*PHRASES, *IN_PANEL), key=lambda phrase: -len(re.sub(r"\{\w+\}", "", phrase)))
    return [(phrase, phrase.partition("{")[0]) for phrase in ordered]


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", phrase)
    fixed, names = map(re.escape, parts[::2]), [f"(?P<{name}>.*?)" for name in parts[1::2]]
    return re.compile("".join(part for pair in zip(fixed, [*names, ""], strict=True) for part in pair), re.DOTALL)
