"use strict";
// The page of `rtvc serve`: microphone, WebRTC connection, and what the server tells over the data channel.

const CODEC_MS = 5; // lookahead of Opus there and back
const RETRY_MS = [500, 1000, 2000, 5000];
const LONGEST_RECORDING_S = 60;
const RECORDING_RATE = 16000;

const element = Object.fromEntries([...document.querySelectorAll("[id]")].map(found => [found.id, found]));
let peer = null, channel = null, microphone = null, sent = null, wanted = false, attempt = 0, told = null, timer = 0;

function say(sentence, bad = false) {
  if (element.status.textContent !== sentence) element.status.textContent = sentence;
  element.status.classList.toggle("bad", bad);
}

function settings() {
  return {
    voice: sent ? sent.name : element.voice.value,
    strength: Number(element.strength.value),
    pitch_semitones: Number(element.pitch.value),
    bypass: pressed(element.bypass),
  };
}

const pressed = button => button.getAttribute("aria-pressed") === "true";

async function ask(path, body) {
  const headers = {};
  if (element.token.value) headers.Authorization = `Bearer ${element.token.value}`;
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body)});
  } catch {
    throw Object.assign(new Error("The server does not answer."), {retry: true});
  }
  const answer = await response.json();
  if (response.status === 401) element["token-row"].hidden = false;
  if (!response.ok) throw Object.assign(new Error(answer.error), {retry: response.status === 503});
  return answer;
}

async function listVoices() {
  if (element.voice.options.length) return;
  for (const {name, description} of (await ask("voices")).voices) {
    element.voice.add(new Option(description ? `${name}: ${description}` : name, name));
  }
}

async function connect() {
  await listVoices();
  if (!navigator.mediaDevices) throw new Error("Browsers give the microphone to pages over https only.");
  const plain = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
  microphone ??= await navigator.mediaDevices.getUserMedia({audio: plain}).catch(() => {
    throw new Error("The microphone was refused. Allow it for this page, and connect again.");
  });
  const fresh = peer = new RTCPeerConnection({iceServers: []});
  const [track] = microphone.getAudioTracks();
  track.enabled = !pressed(element.mute);
  fresh.addTrack(track, microphone);
  channel = fresh.createDataChannel("rtvc");
  channel.onmessage = event => { if (fresh === peer) hear(JSON.parse(event.data)); };
  fresh.ontrack = event => {
    if ("jitterBufferTarget" in event.receiver) event.receiver.jitterBufferTarget = 0;
    element.player.srcObject = new MediaStream([event.track]);
    element.player.play().catch(() => say("Press Connect again to hear the converted voice.", true));
  };
  fresh.onconnectionstatechange = () => {
    if (fresh !== peer) return;
    if (fresh.connectionState === "connected") { attempt = 0; if (!told) say("Connected."); }
    if (["failed", "closed", "disconnected"].includes(fresh.connectionState)) lose("Connection to the server lost");
  };
  await fresh.setLocalDescription();
  await new Promise(resolve => {
    const done = () => fresh.iceGatheringState === "complete" && resolve();
    fresh.onicegatheringstatechange = done;
    done();
  });
  const request = {sdp: fresh.localDescription.sdp, settings: settings()};
  if (sent) request.voice = sent;
  const {sdp} = await ask("session", request);
  await fresh.setRemoteDescription({type: "answer", sdp});
}

function disconnect() {
  const old = peer;
  peer = channel = told = null;
  element.player.srcObject = null;
  if (old) old.close();
}

function lose(why) {
  disconnect();
  if (!wanted) return;
  say(`${why}. Reconnecting… Nothing is sent until then.`, true);
  timer = setTimeout(start, RETRY_MS[Math.min(attempt++, RETRY_MS.length - 1)]);
}

async function start() {
  try {
    await connect();
  } catch (error) {
    if (error.retry && attempt) return lose(error.message.replace(/\.$/, ""));
    stop();
    say(error.message, true);
    if (!element["token-row"].hidden) element.token.focus();
  }
}

function stop() {
  wanted = false;
  clearTimeout(timer);
  disconnect();
  if (microphone) microphone.getTracks().forEach(track => track.stop());
  microphone = null;
  element.delay.textContent = "–";
  element.parts.replaceChildren();
  element.input.value = element.output.value = -60;
  show();
  say("Off.");
}

function show() {
  element.power.textContent = wanted ? "Disconnect" : "Connect";
  element.mute.disabled = element.bypass.disabled = !wanted;
}

function hear({status, refused}) {
  if (refused) say(refused, true);
  if (!status) return;
  const changed = !told || told.state !== status.state;
  told = status;
  element.input.value = status.input_level_dbfs;
  element.output.value = status.output_level_dbfs;
  if (changed) say(status.message || "You are heard in the new voice.", Boolean(status.message));
}

async function measure() {
  if (!peer || peer.connectionState !== "connected" || !told) return;
  let trip = 0, waiting = 0;
  for (const report of (await peer.getStats()).values()) {
    if (report.type === "candidate-pair" && report.nominated) trip = report.currentRoundTripTime || 0;
    if (report.type === "inbound-rtp" && report.jitterBufferEmittedCount) {
      waiting = report.jitterBufferDelay / report.jitterBufferEmittedCount;
    }
  }
  if (!told) return;
  const capture = (microphone.getAudioTracks()[0].getSettings().latency || 0) * 1000;
  const parts = {
    "Microphone": capture,
    "Packet": told.step_seconds * 1000,
    "Codec": CODEC_MS,
    "Network": trip * 1000,
    "Server's queue": told.queue_seconds * 1000,
    "Voice changer": (told.algorithmic_seconds + told.compute_seconds) * 1000,
    "Jitter buffer": waiting * 1000,
  };
  element.delay.textContent = `${Math.round(Object.values(parts).reduce((sum, part) => sum + part))} ms`;
  element.parts.replaceChildren(...Object.entries(parts).flatMap(([name, part]) => {
    const term = document.createElement("dt"), value = document.createElement("dd");
    term.textContent = name;
    value.textContent = `${Math.round(part)} ms`;
    return [term, value];
  }));
}

function change() {
  if (channel && channel.readyState === "open") channel.send(JSON.stringify({settings: settings()}));
}

/** Return a recording as 16-bit WAV of one channel in base64, which the server keeps in memory. */
async function readRecording(file) {
  const context = new OfflineAudioContext(1, LONGEST_RECORDING_S * RECORDING_RATE, RECORDING_RATE);
  const sound = await context.decodeAudioData(await file.arrayBuffer());
  const source = context.createBufferSource();
  source.buffer = sound;
  source.connect(context.destination);
  source.start();
  const length = Math.min(LONGEST_RECORDING_S, sound.duration) * RECORDING_RATE | 0;
  const samples = (await context.startRendering()).getChannelData(0).subarray(0, length);
  const wave = new DataView(new ArrayBuffer(44 + 2 * length));
  const text = (place, word) => [...word].forEach((letter, offset) => wave.setUint8(place + offset, letter.charCodeAt(0)));
  text(0, "RIFF"); wave.setUint32(4, 36 + 2 * length, true); text(8, "WAVEfmt ");
  wave.setUint32(16, 16, true); wave.setUint16(20, 1, true); wave.setUint16(22, 1, true);
  wave.setUint32(24, RECORDING_RATE, true); wave.setUint32(28, 2 * RECORDING_RATE, true);
  wave.setUint16(32, 2, true); wave.setUint16(34, 16, true); text(36, "data"); wave.setUint32(40, 2 * length, true);
  samples.forEach((sample, place) => wave.setInt16(44 + 2 * place, 32767 * Math.max(-1, Math.min(1, sample)), true));
  const bytes = new Uint8Array(wave.buffer), pieces = [];
  for (let place = 0; place < bytes.length; place += 32768) {
    pieces.push(String.fromCharCode(...bytes.subarray(place, place + 32768)));
  }
  return {name: "Recording", recording: btoa(pieces.join(""))};
}

element.form.addEventListener("submit", event => {
  event.preventDefault();
  if (wanted) return stop();
  wanted = true;
  attempt = 0;
  show();
  say("Connecting.");
  start();
});
element.voice.addEventListener("change", () => {
  const reconnect = sent !== null;
  sent = null;
  element.recording.value = "";
  if (reconnect && peer) { disconnect(); start(); } else change();
});
element.recording.addEventListener("change", async () => {
  const [file] = element.recording.files;
  try {
    sent = file ? await readRecording(file) : null;
  } catch {
    sent = null;
    return say("This browser cannot read the recording. Choose WAV or FLAC.", true);
  }
  if (peer) { disconnect(); start(); }
});
element.strength.addEventListener("input", change);
element.pitch.addEventListener("input", change);
for (const button of [element.mute, element.bypass]) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!pressed(button)));
    if (microphone) microphone.getAudioTracks()[0].enabled = !pressed(element.mute);
    change();
  });
}
addEventListener("pagehide", disconnect);
setInterval(measure, 1000);
listVoices().catch(error => say(error.message, true));
