<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
    <context>
        <name>rtvc</name>
        <message>
            <source>A little more similar to the voice; words a little less clear.</source>
            <translation>Der Stimme etwas ähnlicher; Wörter etwas weniger deutlich.</translation>
        </message>
        <message>
            <source>A map trained for this voice only.</source>
            <translation>Eine Abbildung, die eigens für diese Stimme trainiert wurde.</translation>
        </message>
        <message>
            <source>A model pack converts what you say into another voice. You can switch packs while you talk.</source>
            <translation>Ein Modellpaket wandelt das, was du sagst, in eine andere Stimme um. Du kannst das Paket wechseln, während du sprichst.</translation>
        </message>
        <message>
            <source>A program</source>
            <translation>Ein Programm</translation>
        </message>
        <message>
            <source>A recording is already running: stop it first.</source>
            <translation>Es läuft schon eine Aufnahme. Beende sie zuerst.</translation>
        </message>
        <message>
            <source>A sound device was lost. Listeners hear silence until it is back.</source>
            <translation>Ein Audiogerät ist ausgefallen. Bis es wieder da ist, hören andere Stille.</translation>
        </message>
        <message>
            <source>A third less work for the processor; at least 20 ms more delay.</source>
            <translation>Ein Drittel weniger Arbeit für den Prozessor; mindestens 20 ms mehr Verzögerung.</translation>
        </message>
        <message>
            <source>A voice</source>
            <translation>Eine Stimme</translation>
        </message>
        <message>
            <source>A voice named {name} already exists: choose another name.</source>
            <translation>Die Stimme {name} gibt es schon. Wähle einen anderen Namen.</translation>
        </message>
        <message>
            <source>About</source>
            <translation>Über rtvc</translation>
        </message>
        <message>
            <source>Add a recording…</source>
            <translation>Aufnahme hinzufügen…</translation>
        </message>
        <message>
            <source>Add an effect</source>
            <translation>Effekt hinzufügen</translation>
        </message>
        <message>
            <source>Add voices from recordings</source>
            <translation>Stimmen aus Aufnahmen hinzufügen</translation>
        </message>
        <message>
            <source>Adding {name} …</source>
            <translation>{name} wird hinzugefügt …</translation>
        </message>
        <message>
            <source>Address of the server</source>
            <translation>Adresse des Servers</translation>
        </message>
        <message>
            <source>Adds to the delay</source>
            <translation>Beitrag zur Verzögerung</translation>
        </message>
        <message>
            <source>Add…</source>
            <translation>Hinzufügen…</translation>
        </message>
        <message>
            <source>Air</source>
            <translation>Luft</translation>
        </message>
        <message>
            <source>Air above 8 kHz</source>
            <translation>Luft über 8 kHz</translation>
        </message>
        <message>
            <source>Algorithmic</source>
            <translation>Algorithmus</translation>
        </message>
        <message>
            <source>All sessions of this server are in use. Try again later.</source>
            <translation>Alle Sitzungen dieses Servers sind belegt. Versuche es später noch einmal.</translation>
        </message>
        <message>
            <source>Amount</source>
            <translation>Anteil</translation>
        </message>
        <message>
            <source>An internal error stopped the fit ({reason}): choose another voice or transport.</source>
            <translation>Ein interner Fehler hat die Berechnung gestoppt ({reason}). Wähle eine andere Stimme oder einen anderen Transport.</translation>
        </message>
        <message>
            <source>Another rtvc (process {number}) uses the virtual microphone: close it first.</source>
            <translation>Ein anderes rtvc (Prozess {number}) benutzt das virtuelle Mikrofon. Schließe es zuerst.</translation>
        </message>
        <message>
            <source>Applies from the next clip on</source>
            <translation>Gilt ab dem nächsten Clip</translation>
        </message>
        <message>
            <source>Attack</source>
            <translation>Attack</translation>
        </message>
        <message>
            <source>Audio Input Capture</source>
            <translation>Audioeingabeaufnahme</translation>
        </message>
        <message>
            <source>Audio Input Capture (PulseAudio)</source>
            <translation>Audioeingabeaufnahme (PulseAudio)</translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Back</source>
            <translation>Zurück</translation>
        </message>
        <message>
            <source>Balanced</source>
            <translation>Ausgewogen</translation>
        </message>
        <message>
            <source>Be heard in Discord or OBS</source>
            <translation>In Discord oder OBS gehört werden</translation>
        </message>
        <message>
            <source>Bit crusher</source>
            <translation>Bitcrusher</translation>
        </message>
        <message>
            <source>Bits</source>
            <translation>Bits</translation>
        </message>
        <message>
            <source>Blend two voices</source>
            <translation>Zwei Stimmen mischen</translation>
        </message>
        <message>
            <source>Blocks for which the output had no sound (underruns)</source>
            <translation>Blöcke, für die die Ausgabe keinen Ton hatte (Underruns)</translation>
        </message>
        <message>
            <source>Build from a folder…</source>
            <translation>Aus einem Ordner bauen…</translation>
        </message>
        <message>
            <source>Building packs needs PyTorch ({reason}): {error}</source>
            <translation>Zum Bauen von Paketen braucht es PyTorch ({reason}): {error}</translation>
        </message>
        <message>
            <source>Building packs needs PyTorch: {error}</source>
            <translation>Zum Bauen von Paketen braucht es PyTorch: {error}</translation>
        </message>
        <message>
            <source>Building; this takes a few minutes …</source>
            <translation>Wird gebaut; das dauert einige Minuten …</translation>
        </message>
        <message>
            <source>By name</source>
            <translation>Nach Name</translation>
        </message>
        <message>
            <source>Bypass</source>
            <translation>Bypass</translation>
        </message>
        <message>
            <source>Bypass: your own voice</source>
            <translation>Bypass: deine eigene Stimme</translation>
        </message>
        <message>
            <source>CUDA does not work here: install an NVIDIA driver and onnxruntime-gpu[cuda,cudnn], or use the CPU.</source>
            <translation>CUDA funktioniert hier nicht. Installiere einen NVIDIA-Treiber und onnxruntime-gpu[cuda,cudnn], oder nimm den Prozessor.</translation>
        </message>
        <message>
            <source>Caches</source>
            <translation>Zwischenspeicher</translation>
        </message>
        <message>
            <source>Call</source>
            <translation>Anruf</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Cancel fitting the map</source>
            <translation>Berechnung der Abbildung abbrechen</translation>
        </message>
        <message>
            <source>Cave</source>
            <translation>Höhle</translation>
        </message>
        <message>
            <source>Check again</source>
            <translation>Erneut prüfen</translation>
        </message>
        <message>
            <source>Checking the files …</source>
            <translation>Die Dateien werden geprüft …</translation>
        </message>
        <message>
            <source>Checking …</source>
            <translation>Wird geprüft …</translation>
        </message>
        <message>
            <source>Choose a folder of clips…</source>
            <translation>Ordner mit Clips wählen …</translation>
        </message>
        <message>
            <source>Choose it where you talk</source>
            <translation>Wähle es dort aus, wo du sprichst</translation>
        </message>
        <message>
            <source>Choose the token file</source>
            <translation>Token-Datei auswählen</translation>
        </message>
        <message>
            <source>Choose the virtual microphone in the program you talk in:</source>
            <translation>Wähle das virtuelle Mikrofon in dem Programm aus, in dem du sprichst:</translation>
        </message>
        <message>
            <source>Chorus</source>
            <translation>Chorus</translation>
        </message>
        <message>
            <source>Church</source>
            <translation>Kirche</translation>
        </message>
        <message>
            <source>Clear</source>
            <translation>Deutlich</translation>
        </message>
        <message>
            <source>Clear and steady. Works with every voice.</source>
            <translation>Deutlich und gleichmäßig. Funktioniert mit jeder Stimme.</translation>
        </message>
        <message>
            <source>Clearer words; a little less similar to the voice.</source>
            <translation>Deutlichere Wörter; der Stimme etwas weniger ähnlich.</translation>
        </message>
        <message>
            <source>Clearer words; a noise gate for keyboard and fan noise.</source>
            <translation>Deutlichere Wörter; ein Noise Gate gegen Tastatur und Lüfter.</translation>
        </message>
        <message>
            <source>Click here and press the keys; Backspace alone clears them</source>
            <translation>Klicke hier und drücke die Tasten; die Rücktaste allein löscht sie</translation>
        </message>
        <message>
            <source>Clip {number}</source>
            <translation>Clip {number}</translation>
        </message>
        <message>
            <source>Clips cannot be played while the voice changer is off: switch it on first.</source>
            <translation>Clips lassen sich nicht abspielen, solange der Voice-Changer aus ist. Schalte ihn zuerst ein.</translation>
        </message>
        <message>
            <source>Clock drift</source>
            <translation>Taktabweichung</translation>
        </message>
        <message>
            <source>Close</source>
            <translation>Ähnlich</translation>
        </message>
        <message>
            <source>Close the message</source>
            <translation>Meldung schließen</translation>
        </message>
        <message>
            <source>Closer than MKL with a minute or more of recording; less clear.</source>
            <translation>Ab einer Minute Aufnahme ähnlicher als MKL; weniger deutlich.</translation>
        </message>
        <message>
            <source>Closer to the chosen voice than to yours</source>
            <translation>Der gewählten Stimme näher als deiner</translation>
        </message>
        <message>
            <source>Closing the window keeps rtvc in the tray</source>
            <translation>Beim Schließen im Infobereich bleiben</translation>
        </message>
        <message>
            <source>Colours</source>
            <translation>Farben</translation>
        </message>
        <message>
            <source>Compressor</source>
            <translation>Kompressor</translation>
        </message>
        <message>
            <source>Compute</source>
            <translation>Rechenzeit</translation>
        </message>
        <message>
            <source>Connection to the server lost. Reconnecting…</source>
            <translation>Die Verbindung zum Server ist weg. Verbindet neu…</translation>
        </message>
        <message>
            <source>Converting …</source>
            <translation>Wird umgewandelt …</translation>
        </message>
        <message>
            <source>Convolution</source>
            <translation>Faltung</translation>
        </message>
        <message>
            <source>Copy diagnostics</source>
            <translation>Diagnose kopieren</translation>
        </message>
        <message>
            <source>Copy versions, system and the latest crash report for a bug report; nothing private</source>
            <translation>Kopiert Versionen, System und den letzten Absturzbericht für einen Fehlerbericht; nichts Privates</translation>
        </message>
        <message>
            <source>Crash reports</source>
            <translation>Absturzberichte</translation>
        </message>
        <message>
            <source>Create a voice from a recording ({keys})</source>
            <translation>Aus einer Aufnahme eine Stimme machen ({keys})</translation>
        </message>
        <message>
            <source>Create a voice from the next 5 s at the microphone</source>
            <translation>Aus den nächsten 5 s am Mikrofon eine Stimme machen</translation>
        </message>
        <message>
            <source>Create it now</source>
            <translation>Jetzt anlegen</translation>
        </message>
        <message>
            <source>Damping</source>
            <translation>Dämpfung</translation>
        </message>
        <message>
            <source>Dark</source>
            <translation>Dunkel</translation>
        </message>
        <message>
            <source>Delay</source>
            <translation>Verzögerung</translation>
        </message>
        <message>
            <source>Delay and computing</source>
            <translation>Verzögerung und Rechenleistung</translation>
        </message>
        <message>
            <source>Delay by its parts</source>
            <translation>Anteile der Verzögerung</translation>
        </message>
        <message>
            <source>Delete</source>
            <translation>Löschen</translation>
        </message>
        <message>
            <source>Depth</source>
            <translation>Tiefe</translation>
        </message>
        <message>
            <source>Details</source>
            <translation>Details</translation>
        </message>
        <message>
            <source>Device</source>
            <translation>Gerät</translation>
        </message>
        <message>
            <source>Device errors</source>
            <translation>Gerätefehler</translation>
        </message>
        <message>
            <source>Discord and OBS</source>
            <translation>Discord und OBS</translation>
        </message>
        <message>
            <source>Discord and OBS…</source>
            <translation>Discord und OBS…</translation>
        </message>
        <message>
            <source>Distortion</source>
            <translation>Verzerrung</translation>
        </message>
        <message>
            <source>Does sound come through?</source>
            <translation>Kommt der Ton an?</translation>
        </message>
        <message>
            <source>Done</source>
            <translation>Fertig</translation>
        </message>
        <message>
            <source>Download</source>
            <translation>Download</translation>
        </message>
        <message>
            <source>Download and build</source>
            <translation>Herunterladen und bauen</translation>
        </message>
        <message>
            <source>Downloading {file}: {done} of {size} MB</source>
            <translation>{file} wird heruntergeladen: {done} von {size} MB</translation>
        </message>
        <message>
            <source>Drive</source>
            <translation>Drive</translation>
        </message>
        <message>
            <source>Drop a recording here. 5 seconds of a voice are enough.</source>
            <translation>Zieh eine Aufnahme hierher. 5 Sekunden einer Stimme reichen.</translation>
        </message>
        <message>
            <source>Dropped</source>
            <translation>Verworfen</translation>
        </message>
        <message>
            <source>Ducking</source>
            <translation>Absenken</translation>
        </message>
        <message>
            <source>Duplicate</source>
            <translation>Duplizieren</translation>
        </message>
        <message>
            <source>Duplicate the voice</source>
            <translation>Stimme duplizieren</translation>
        </message>
        <message>
            <source>Duplicate {name}</source>
            <translation>{name} duplizieren</translation>
        </message>
        <message>
            <source>Duplicate…</source>
            <translation>Duplizieren…</translation>
        </message>
        <message>
            <source>Early in the morning the harbour is quiet. A few gulls quarrel over a crust of bread, and somewhere a rope knocks against a mast. Then the first boat comes in, low in the water, and everyone wakes at once: crates are thrown, jokes are shouted, a dog runs in circles. By nine it is all over, and only the smell of fish and of strong coffee is left.</source>
            <translation>Früh am Morgen ist der Hafen still. Ein paar Möwen streiten sich um eine Brotkruste, und irgendwo schlägt ein Seil gegen einen Mast. Dann läuft das erste Boot ein, tief im Wasser, und auf einmal sind alle wach: Kisten fliegen, Witze werden gerufen, ein Hund rennt im Kreis. Um neun ist alles vorbei, und nur der Geruch nach Fisch und starkem Kaffee bleibt übrig.</translation>
        </message>
        <message>
            <source>Echo</source>
            <translation>Echo</translation>
        </message>
        <message>
            <source>Edit the effects…</source>
            <translation>Effekte bearbeiten…</translation>
        </message>
        <message>
            <source>Effects</source>
            <translation>Effekte</translation>
        </message>
        <message>
            <source>Effects need the package pedalboard: install rtvc with the extra `effects`.</source>
            <translation>Effekte brauchen das Paket pedalboard. Installiere rtvc mit dem Extra „effects“.</translation>
        </message>
        <message>
            <source>Empty: the models run on this computer</source>
            <translation>Leer: Die Modelle rechnen auf diesem Computer</translation>
        </message>
        <message>
            <source>Everywhere</source>
            <translation>Überall</translation>
        </message>
        <message>
            <source>Export {name}</source>
            <translation>{name} exportieren</translation>
        </message>
        <message>
            <source>Export…</source>
            <translation>Exportieren…</translation>
        </message>
        <message>
            <source>Fairly high and calm</source>
            <translation>Eher hoch und ruhig</translation>
        </message>
        <message>
            <source>Fairly high and smooth</source>
            <translation>Eher hoch und weich</translation>
        </message>
        <message>
            <source>Feedback</source>
            <translation>Feedback</translation>
        </message>
        <message>
            <source>Fitting the map to {name} for the preview: {percent}</source>
            <translation>Abbildung auf {name} wird für die Vorschau berechnet: {percent}</translation>
        </message>
        <message>
            <source>Fitting: {percent}</source>
            <translation>Berechnung: {percent}</translation>
        </message>
        <message>
            <source>Five steps, about two minutes. Everything stays on this computer.</source>
            <translation>Fünf Schritte, etwa zwei Minuten. Alles bleibt auf diesem Computer.</translation>
        </message>
        <message>
            <source>Flow matching</source>
            <translation>Flow Matching</translation>
        </message>
        <message>
            <source>Folder for recordings</source>
            <translation>Ordner für Aufnahmen</translation>
        </message>
        <message>
            <source>Folder with the checkpoints of {name}</source>
            <translation>Ordner mit den Checkpoints von {name}</translation>
        </message>
        <message>
            <source>For calls, games and streams. Runs on any processor, even while you play a game.</source>
            <translation>Für Anrufe, Spiele und Streams. Läuft auf jedem Prozessor, auch während du spielst.</translation>
        </message>
        <message>
            <source>Forget my voice</source>
            <translation>Meine Stimme vergessen</translation>
        </message>
        <message>
            <source>Formants</source>
            <translation>Formanten</translation>
        </message>
        <message>
            <source>Frames dropped to catch up, and input that did not fit (overruns)</source>
            <translation>Frames, die zum Aufholen verworfen wurden, und Eingangston, für den kein Platz war (Overruns)</translation>
        </message>
        <message>
            <source>Frequency</source>
            <translation>Frequenz</translation>
        </message>
        <message>
            <source>From</source>
            <translation>Von</translation>
        </message>
        <message>
            <source>From a file…</source>
            <translation>Aus einer Datei…</translation>
        </message>
        <message>
            <source>Gain</source>
            <translation>Verstärkung</translation>
        </message>
        <message>
            <source>Gain before the conversion</source>
            <translation>Verstärkung vor der Umwandlung</translation>
        </message>
        <message>
            <source>Gain of the clips</source>
            <translation>Verstärkung der Clips</translation>
        </message>
        <message>
            <source>Gain of the converted voice</source>
            <translation>Verstärkung der umgewandelten Stimme</translation>
        </message>
        <message>
            <source>Gaps</source>
            <translation>Aussetzer</translation>
        </message>
        <message>
            <source>Giant</source>
            <translation>Riese</translation>
        </message>
        <message>
            <source>Global hotkeys need X11.</source>
            <translation>Globale Tastenkürzel brauchen X11.</translation>
        </message>
        <message>
            <source>Graphics card</source>
            <translation>Grafikkarte</translation>
        </message>
        <message>
            <source>Hall</source>
            <translation>Saal</translation>
        </message>
        <message>
            <source>Hear a sentence converted into {name}</source>
            <translation>Einen Satz mit der Stimme {name} anhören</translation>
        </message>
        <message>
            <source>Hear myself</source>
            <translation>Mithören</translation>
        </message>
        <message>
            <source>Hear myself in it</source>
            <translation>Mich damit hören</translation>
        </message>
        <message>
            <source>Hear the voice</source>
            <translation>Stimme anhören</translation>
        </message>
        <message>
            <source>Heard</source>
            <translation>Zu hören</translation>
        </message>
        <message>
            <source>High and clear</source>
            <translation>Hoch und klar</translation>
        </message>
        <message>
            <source>High and expressive</source>
            <translation>Hoch und ausdrucksvoll</translation>
        </message>
        <message>
            <source>High and lively</source>
            <translation>Hoch und lebhaft</translation>
        </message>
        <message>
            <source>High shelf</source>
            <translation>High-Shelf-Filter</translation>
        </message>
        <message>
            <source>High-pass filter</source>
            <translation>Hochpassfilter</translation>
        </message>
        <message>
            <source>Hold the talk key to be heard.</source>
            <translation>Halte die Sprechtaste gedrückt, damit man dich hört.</translation>
        </message>
        <message>
            <source>Hold this button or the talk key to be heard</source>
            <translation>Halte diesen Knopf oder die Sprechtaste gedrückt, damit man dich hört</translation>
        </message>
        <message>
            <source>Hold to talk</source>
            <translation>Zum Sprechen halten</translation>
        </message>
        <message>
            <source>Hotkey</source>
            <translation>Tastenkürzel</translation>
        </message>
        <message>
            <source>Hotkey {number}</source>
            <translation>Tastenkürzel {number}</translation>
        </message>
        <message>
            <source>Hotkeys</source>
            <translation>Tastenkürzel</translation>
        </message>
        <message>
            <source>Hotkeys do not work in other programs ({error}). Switch them off and on again under Settings.</source>
            <translation>Die Tastenkürzel funktionieren nicht in anderen Programmen ({error}). Schalte sie in den Einstellungen aus und wieder ein.</translation>
        </message>
        <message>
            <source>Hotkeys of clips</source>
            <translation>Tastenkürzel der Clips</translation>
        </message>
        <message>
            <source>Hotkeys work while this window has the focus. For keys that work everywhere, add a shortcut to your desktop's keyboard settings that runs a command, such as: rtvc-gui --press mute</source>
            <translation>Die Tastenkürzel funktionieren, solange dieses Fenster den Fokus hat. Für Tasten, die überall wirken, lass die Tastatureinstellungen deines Desktops einen Befehl ausführen, etwa: rtvc-gui --press mute</translation>
        </message>
        <message>
            <source>How far the voice lies from the first to the second</source>
            <translation>Wie weit die Stimme von der ersten zur zweiten rückt</translation>
        </message>
        <message>
            <source>How far to move from your own voice towards the chosen one</source>
            <translation>Wie weit deine eigene Stimme zur gewählten rückt</translation>
        </message>
        <message>
            <source>How lively the melody of speech is: 0% is monotone, 100% is the chosen voice's own</source>
            <translation>Wie lebhaft die Sprachmelodie ist: 0 % ist monoton, 100 % ist die der gewählten Stimme</translation>
        </message>
        <message>
            <source>How loudly you hear yourself</source>
            <translation>Wie laut du dich selbst hörst</translation>
        </message>
        <message>
            <source>How much faster the output's clock runs than the microphone's</source>
            <translation>Um wie viel der Takt der Ausgabe schneller läuft als der des Mikrofons</translation>
        </message>
        <message>
            <source>How much of the effects is heard</source>
            <translation>Wie stark die Effekte zu hören sind</translation>
        </message>
        <message>
            <source>How much quieter clips are while you speak</source>
            <translation>Wie viel leiser Clips sind, während du sprichst</translation>
        </message>
        <message>
            <source>If this is off, listeners hear silence until the connection is back</source>
            <translation>Sonst hören andere Stille, bis die Verbindung wieder da ist</translation>
        </message>
        <message>
            <source>Impulse response</source>
            <translation>Impulsantwort</translation>
        </message>
        <message>
            <source>In Discord or OBS, choose “{microphone}” as the microphone.</source>
            <translation>Wähle in Discord oder OBS „{microphone}“ als Mikrofon.</translation>
        </message>
        <message>
            <source>In this window</source>
            <translation>In diesem Fenster</translation>
        </message>
        <message>
            <source>Input Device</source>
            <translation>Eingabegerät</translation>
        </message>
        <message>
            <source>Install BlackHole with: brew install blackhole-2ch
rtvc then plays into "BlackHole 2ch"; choose "BlackHole 2ch" as the microphone in Discord or OBS.</source>
            <translation>Installiere BlackHole mit: brew install blackhole-2ch
rtvc spielt dann in „BlackHole 2ch“; wähle in Discord oder OBS „BlackHole 2ch“ als Mikrofon.</translation>
        </message>
        <message>
            <source>Install VB-CABLE (vb-audio.com/Cable) or Virtual Audio Cable, and restart the computer.
rtvc then plays into "CABLE Input"; choose "CABLE Output" as the microphone in Discord or OBS.</source>
            <translation>Installiere VB-CABLE (vb-audio.com/Cable) oder Virtual Audio Cable und starte den Computer neu.
rtvc spielt dann in „CABLE Input“; wähle in Discord oder OBS „CABLE Output“ als Mikrofon.</translation>
        </message>
        <message>
            <source>Install the package pynput and restart rtvc to use hotkeys in other programs.</source>
            <translation>Für Tastenkürzel in anderen Programmen installiere das Paket pynput und starte rtvc neu.</translation>
        </message>
        <message>
            <source>Intonation</source>
            <translation>Intonation</translation>
        </message>
        <message>
            <source>It maps K = {size} of {count} feature dimensions together.</source>
            <translation>Bildet je K = {size} von {count} Merkmalsdimensionen gemeinsam ab.</translation>
        </message>
        <message>
            <source>K, the number of feature dimensions mapped together: small is clearer, large is more similar</source>
            <translation>K, die Zahl der gemeinsam abgebildeten Merkmalsdimensionen: klein ist deutlicher, groß ist ähnlicher</translation>
        </message>
        <message>
            <source>Language</source>
            <translation>Sprache</translation>
        </message>
        <message>
            <source>Latency profile</source>
            <translation>Latenzprofil</translation>
        </message>
        <message>
            <source>Least delay. Needs a fast computer and a good sound card.</source>
            <translation>Die geringste Verzögerung. Braucht einen schnellen Computer und eine gute Soundkarte.</translation>
        </message>
        <message>
            <source>Let another computer run the models. Start `rtvc serve` there, and copy its token file to this computer.</source>
            <translation>Lass die Modelle auf einem anderen Computer rechnen. Starte dort „rtvc serve“ und kopiere dessen Token-Datei auf diesen Computer.</translation>
        </message>
        <message>
            <source>Lets you hear what listeners hear</source>
            <translation>Spielt dir vor, was die anderen hören</translation>
        </message>
        <message>
            <source>Level</source>
            <translation>Pegel</translation>
        </message>
        <message>
            <source>Level: {name}</source>
            <translation>Pegel: {name}</translation>
        </message>
        <message>
            <source>Licence: {licence}</source>
            <translation>Lizenz: {licence}</translation>
        </message>
        <message>
            <source>Licences and credits</source>
            <translation>Lizenzen und Mitwirkende</translation>
        </message>
        <message>
            <source>Light</source>
            <translation>Hell</translation>
        </message>
        <message>
            <source>Listening…</source>
            <translation>Hört zu…</translation>
        </message>
        <message>
            <source>Live</source>
            <translation>Live</translation>
        </message>
        <message>
            <source>Livelier intonation; fewer gaps while gaming; more delay.</source>
            <translation>Lebhafter; weniger Aussetzer beim Spielen; mehr Verzögerung.</translation>
        </message>
        <message>
            <source>Loading the checkpoints …</source>
            <translation>Die Checkpoints werden geladen …</translation>
        </message>
        <message>
            <source>Look for devices again</source>
            <translation>Geräte neu suchen</translation>
        </message>
        <message>
            <source>Losing sound</source>
            <translation>Ton setzt aus</translation>
        </message>
        <message>
            <source>Low and expressive</source>
            <translation>Tief und ausdrucksvoll</translation>
        </message>
        <message>
            <source>Low and full</source>
            <translation>Tief und voll</translation>
        </message>
        <message>
            <source>Low and relaxed</source>
            <translation>Tief und entspannt</translation>
        </message>
        <message>
            <source>Low and very even</source>
            <translation>Tief und sehr gleichmäßig</translation>
        </message>
        <message>
            <source>Low shelf</source>
            <translation>Low-Shelf-Filter</translation>
        </message>
        <message>
            <source>Low to high</source>
            <translation>Tief bis hoch</translation>
        </message>
        <message>
            <source>Low-end computer</source>
            <translation>Schwacher Computer</translation>
        </message>
        <message>
            <source>Low-pass filter</source>
            <translation>Tiefpassfilter</translation>
        </message>
        <message>
            <source>Lowest</source>
            <translation>Minimal</translation>
        </message>
        <message>
            <source>MKL (default)</source>
            <translation>MKL (Standard)</translation>
        </message>
        <message>
            <source>Make the converted voice sound like a larger or smaller body, at the same pitch</source>
            <translation>Lässt die umgewandelte Stimme wie aus einem größeren oder kleineren Körper klingen, bei gleicher Tonhöhe</translation>
        </message>
        <message>
            <source>Make {name} a favourite</source>
            <translation>{name} zu den Favoriten hinzufügen</translation>
        </message>
        <message>
            <source>Measure on this computer</source>
            <translation>Auf diesem Computer messen</translation>
        </message>
        <message>
            <source>Measuring …</source>
            <translation>Wird gemessen …</translation>
        </message>
        <message>
            <source>Medium and calm, recorded in German</source>
            <translation>Mittel und ruhig, auf Deutsch aufgenommen</translation>
        </message>
        <message>
            <source>Medium and even</source>
            <translation>Mittel und gleichmäßig</translation>
        </message>
        <message>
            <source>Medium and expressive</source>
            <translation>Mittel und ausdrucksvoll</translation>
        </message>
        <message>
            <source>Medium and lively</source>
            <translation>Mittel und lebhaft</translation>
        </message>
        <message>
            <source>Megaphone</source>
            <translation>Megafon</translation>
        </message>
        <message>
            <source>Meters</source>
            <translation>Anzeigen</translation>
        </message>
        <message>
            <source>Microphone</source>
            <translation>Mikrofon</translation>
        </message>
        <message>
            <source>Microphone gain</source>
            <translation>Mikrofonverstärkung</translation>
        </message>
        <message>
            <source>Mix</source>
            <translation>Mischung</translation>
        </message>
        <message>
            <source>Model packs</source>
            <translation>Modellpakete</translation>
        </message>
        <message>
            <source>Models</source>
            <translation>Modelle</translation>
        </message>
        <message>
            <source>Models run on</source>
            <translation>Modelle rechnen auf</translation>
        </message>
        <message>
            <source>Monitor volume</source>
            <translation>Lautstärke beim Mithören</translation>
        </message>
        <message>
            <source>More delay, but fewer gaps while a game keeps the computer busy.</source>
            <translation>Mehr Verzögerung, dafür weniger Aussetzer, während ein Spiel den Computer auslastet.</translation>
        </message>
        <message>
            <source>More for {name}</source>
            <translation>Mehr zu {name}</translation>
        </message>
        <message>
            <source>Move {effect} down</source>
            <translation>{effect} nach unten</translation>
        </message>
        <message>
            <source>Move {effect} up</source>
            <translation>{effect} nach oben</translation>
        </message>
        <message>
            <source>Music folder (default)</source>
            <translation>Musikordner (Standard)</translation>
        </message>
        <message>
            <source>Mute</source>
            <translation>Stumm</translation>
        </message>
        <message>
            <source>Muted</source>
            <translation>Stumm</translation>
        </message>
        <message>
            <source>Muted; the microphone is being closed.</source>
            <translation>Stumm; das Mikrofon wird geschlossen.</translation>
        </message>
        <message>
            <source>My own</source>
            <translation>Eigene</translation>
        </message>
        <message>
            <source>My voices first</source>
            <translation>Meine zuerst</translation>
        </message>
        <message>
            <source>My voice…</source>
            <translation>Meine Stimme…</translation>
        </message>
        <message>
            <source>Name of the copy:</source>
            <translation>Name der Kopie:</translation>
        </message>
        <message>
            <source>Name of the preset:</source>
            <translation>Name des Presets:</translation>
        </message>
        <message>
            <source>Name of the voice:</source>
            <translation>Name der Stimme:</translation>
        </message>
        <message>
            <source>Named sound settings: load some, or save your own</source>
            <translation>Klangeinstellungen unter einem Namen: lade sie oder speichere eigene</translation>
        </message>
        <message>
            <source>Natural</source>
            <translation>Natürlich</translation>
        </message>
        <message>
            <source>Needs</source>
            <translation>Braucht</translation>
        </message>
        <message>
            <source>Network</source>
            <translation>Netzwerk</translation>
        </message>
        <message>
            <source>New name:</source>
            <translation>Neuer Name:</translation>
        </message>
        <message>
            <source>New voice</source>
            <translation>Neue Stimme</translation>
        </message>
        <message>
            <source>Next</source>
            <translation>Weiter</translation>
        </message>
        <message>
            <source>No PulseAudio or PipeWire server answers: start one (pipewire-pulse or pulseaudio).</source>
            <translation>Weder PulseAudio noch PipeWire antwortet. Starte einen der beiden Server (pipewire-pulse oder pulseaudio).</translation>
        </message>
        <message>
            <source>No microphone was found. Plug in a headset or a USB microphone, then refresh the devices.</source>
            <translation>Es wurde kein Mikrofon gefunden. Schließe ein Headset oder ein USB-Mikrofon an und suche die Geräte neu.</translation>
        </message>
        <message>
            <source>No monitor: {error}</source>
            <translation>Kein Mithören: {error}</translation>
        </message>
        <message>
            <source>No program records “{microphone}” yet. This light turns green as soon as one does.</source>
            <translation>Noch nimmt kein Programm „{microphone}“ auf. Sobald eines es tut, wird dieses Licht grün.</translation>
        </message>
        <message>
            <source>No usable map can be fitted between these voices; the features of one are damaged. Add the voice again, or enrol again.</source>
            <translation>Zwischen diesen Stimmen lässt sich keine brauchbare Abbildung berechnen; die Merkmale der einen sind beschädigt. Füge die Stimme neu hinzu oder nimm die Stimmprobe neu auf.</translation>
        </message>
        <message>
            <source>No virtual microphone is installed.
{error}</source>
            <translation>Es ist kein virtuelles Mikrofon installiert.
{error}</translation>
        </message>
        <message>
            <source>No voice is chosen: choose one, or set the strength to 0 to send your own voice.</source>
            <translation>Es ist keine Stimme gewählt. Wähle eine, oder stelle die Stärke auf 0, um deine eigene Stimme zu senden.</translation>
        </message>
        <message>
            <source>No voice matches.</source>
            <translation>Keine passende Stimme.</translation>
        </message>
        <message>
            <source>Noise gate</source>
            <translation>Noise Gate</translation>
        </message>
        <message>
            <source>Noise suppression</source>
            <translation>Rauschunterdrückung</translation>
        </message>
        <message>
            <source>Noise suppression needs RNNoise, which is not installed or not made for this system: `pip install --no-deps pyrnnoise` adds it.</source>
            <translation>Die Rauschunterdrückung braucht RNNoise, das nicht installiert oder für dieses System nicht verfügbar ist: `pip install --no-deps pyrnnoise` fügt es hinzu.</translation>
        </message>
        <message>
            <source>None</source>
            <translation>Keine</translation>
        </message>
        <message>
            <source>Off</source>
            <translation>Aus</translation>
        </message>
        <message>
            <source>On</source>
            <translation>An</translation>
        </message>
        <message>
            <source>On this computer</source>
            <translation>Auf diesem Computer</translation>
        </message>
        <message>
            <source>On this system rtvc cannot tell which programs record the virtual microphone.</source>
            <translation>Auf diesem System kann rtvc nicht erkennen, welche Programme das virtuelle Mikrofon aufnehmen.</translation>
        </message>
        <message>
            <source>Only the first {minutes} min of {paths} are used.</source>
            <translation>Von {paths} werden nur die ersten {minutes} min verwendet.</translation>
        </message>
        <message>
            <source>Open its window…</source>
            <translation>Fenster öffnen …</translation>
        </message>
        <message>
            <source>Open rtvc</source>
            <translation>rtvc öffnen</translation>
        </message>
        <message>
            <source>Open the download page</source>
            <translation>Download-Seite öffnen</translation>
        </message>
        <message>
            <source>Open the folder: {name}</source>
            <translation>Ordner öffnen: {name}</translation>
        </message>
        <message>
            <source>Open the setup guide</source>
            <translation>Einrichtung öffnen</translation>
        </message>
        <message>
            <source>Opening the microphone and loading the models.</source>
            <translation>Das Mikrofon wird geöffnet, die Modelle werden geladen.</translation>
        </message>
        <message>
            <source>Order of the voices</source>
            <translation>Reihenfolge der Stimmen</translation>
        </message>
        <message>
            <source>Original</source>
            <translation>Original</translation>
        </message>
        <message>
            <source>Other programs record this microphone instead of your own and hear the converted voice.</source>
            <translation>Andere Programme nehmen dieses Mikrofon statt deines eigenen auf und hören die umgewandelte Stimme.</translation>
        </message>
        <message>
            <source>Output</source>
            <translation>Ausgabe</translation>
        </message>
        <message>
            <source>Output gain</source>
            <translation>Ausgabeverstärkung</translation>
        </message>
        <message>
            <source>Overflows and underflows that the sound card reported</source>
            <translation>Über- und Unterläufe, die die Soundkarte gemeldet hat</translation>
        </message>
        <message>
            <source>Own voice</source>
            <translation>Eigene Stimme</translation>
        </message>
        <message>
            <source>Own voice if disconnected</source>
            <translation>Eigene Stimme bei Ausfall</translation>
        </message>
        <message>
            <source>Packs are built with PyTorch, which this bundle lacks: install rtvc from its source to build them.</source>
            <translation>Pakete werden mit PyTorch gebaut, das diesem Bündel fehlt. Installiere rtvc aus dem Quelltext, um welche zu bauen.</translation>
        </message>
        <message>
            <source>Page {name}</source>
            <translation>Seite {name}</translation>
        </message>
        <message>
            <source>Parameters</source>
            <translation>Parameter</translation>
        </message>
        <message>
            <source>Peak filter</source>
            <translation>Glockenfilter</translation>
        </message>
        <message>
            <source>Phaser</source>
            <translation>Phaser</translation>
        </message>
        <message>
            <source>Pick a voice and hear it. Then say a sentence and hear yourself in that voice. Nobody else hears it.</source>
            <translation>Wähle eine Stimme und hör sie dir an. Sag dann einen Satz und hör dich selbst in dieser Stimme. Niemand sonst hört das.</translation>
        </message>
        <message>
            <source>Pitch</source>
            <translation>Tonhöhe</translation>
        </message>
        <message>
            <source>Play the original recording of {name}</source>
            <translation>Originalaufnahme von {name} abspielen</translation>
        </message>
        <message>
            <source>Play to</source>
            <translation>Wiedergabe auf</translation>
        </message>
        <message>
            <source>Playing.</source>
            <translation>Wird abgespielt.</translation>
        </message>
        <message>
            <source>Plug-in</source>
            <translation>Plug-in</translation>
        </message>
        <message>
            <source>PortAudio cannot reach the devices ({reason}).</source>
            <translation>PortAudio erreicht die Geräte nicht ({reason}).</translation>
        </message>
        <message>
            <source>PortAudio is missing: install it (Debian and Ubuntu: apt install libportaudio2).</source>
            <translation>PortAudio fehlt. Installiere es (Debian und Ubuntu: apt install libportaudio2).</translation>
        </message>
        <message>
            <source>Preferences and presets</source>
            <translation>Einstellungen und Presets</translation>
        </message>
        <message>
            <source>Presets</source>
            <translation>Presets</translation>
        </message>
        <message>
            <source>Preview</source>
            <translation>Vorschau</translation>
        </message>
        <message>
            <source>Processor</source>
            <translation>Prozessor</translation>
        </message>
        <message>
            <source>Processor threads</source>
            <translation>Prozessor-Threads</translation>
        </message>
        <message>
            <source>Progress of fitting the map</source>
            <translation>Fortschritt der Berechnung</translation>
        </message>
        <message>
            <source>Progress of the recording</source>
            <translation>Fortschritt der Aufnahme</translation>
        </message>
        <message>
            <source>Progress: {name}</source>
            <translation>Fortschritt: {name}</translation>
        </message>
        <message>
            <source>Push to talk</source>
            <translation>Push-to-Talk</translation>
        </message>
        <message>
            <source>Push to talk on or off</source>
            <translation>Push-to-Talk ein oder aus</translation>
        </message>
        <message>
            <source>PyTorch, and a few minutes for a one-time build</source>
            <translation>PyTorch und einmal einige Minuten zum Bauen</translation>
        </message>
        <message>
            <source>Quality</source>
            <translation>Güte</translation>
        </message>
        <message>
            <source>Queue</source>
            <translation>Puffer</translation>
        </message>
        <message>
            <source>Quit</source>
            <translation>Beenden</translation>
        </message>
        <message>
            <source>Radio</source>
            <translation>Radio</translation>
        </message>
        <message>
            <source>Raise or lower the converted voice</source>
            <translation>Macht die umgewandelte Stimme höher oder tiefer</translation>
        </message>
        <message>
            <source>Rate</source>
            <translation>Rate</translation>
        </message>
        <message>
            <source>Ratio</source>
            <translation>Verhältnis</translation>
        </message>
        <message>
            <source>Read aloud for 20 s, so that even your first words are converted well</source>
            <translation>Lies 20 s lang vor, damit schon deine ersten Worte gut umgewandelt werden</translation>
        </message>
        <message>
            <source>Real-time voice changer</source>
            <translation>Voice-Changer in Echtzeit</translation>
        </message>
        <message>
            <source>Reconnecting</source>
            <translation>Verbindet neu</translation>
        </message>
        <message>
            <source>Record</source>
            <translation>Aufnehmen</translation>
        </message>
        <message>
            <source>Record a voice</source>
            <translation>Eine Stimme aufnehmen</translation>
        </message>
        <message>
            <source>Record again</source>
            <translation>Neu aufnehmen</translation>
        </message>
        <message>
            <source>Record the microphone and the output to files</source>
            <translation>Nimmt Mikrofon und Ausgabe in Dateien auf</translation>
        </message>
        <message>
            <source>Record {seconds} s</source>
            <translation>{seconds} s aufnehmen</translation>
        </message>
        <message>
            <source>Recordings and voices</source>
            <translation>Aufnahmen und Stimmen</translation>
        </message>
        <message>
            <source>Recordings of a voice, or exported voices</source>
            <translation>Aufnahmen einer Stimme oder exportierte Stimmen</translation>
        </message>
        <message>
            <source>Refresh the devices</source>
            <translation>Geräte neu suchen</translation>
        </message>
        <message>
            <source>Release</source>
            <translation>Release</translation>
        </message>
        <message>
            <source>Remove</source>
            <translation>Entfernen</translation>
        </message>
        <message>
            <source>Remove noise from the recording</source>
            <translation>Rauschen aus der Aufnahme entfernen</translation>
        </message>
        <message>
            <source>Remove token file</source>
            <translation>Token-Datei entfernen</translation>
        </message>
        <message>
            <source>Remove {effect}</source>
            <translation>{effect} entfernen</translation>
        </message>
        <message>
            <source>Remove {name} from the favourites</source>
            <translation>{name} aus den Favoriten entfernen</translation>
        </message>
        <message>
            <source>Removes fan and keyboard noise before the conversion; adds 20 ms of delay</source>
            <translation>Entfernt Lüfter und Tastatur vor der Umwandlung; 20 ms mehr Verzögerung</translation>
        </message>
        <message>
            <source>Removing …</source>
            <translation>Wird entfernt …</translation>
        </message>
        <message>
            <source>Rename the voice</source>
            <translation>Stimme umbenennen</translation>
        </message>
        <message>
            <source>Rename…</source>
            <translation>Umbenennen…</translation>
        </message>
        <message>
            <source>Replaces your sounds with the recording's own. Needs a minute or more of recording; less clear than MKL.</source>
            <translation>Ersetzt deine Laute durch Laute der Aufnahme. Braucht mindestens eine Minute Aufnahme; weniger deutlich als MKL.</translation>
        </message>
        <message>
            <source>Reset keys</source>
            <translation>Zurücksetzen</translation>
        </message>
        <message>
            <source>Restore the default keys of every hotkey</source>
            <translation>Stellt für jedes Tastenkürzel die Standardtasten wieder her</translation>
        </message>
        <message>
            <source>Reverb</source>
            <translation>Hall</translation>
        </message>
        <message>
            <source>Reverb level</source>
            <translation>Pegel des Halls</translation>
        </message>
        <message>
            <source>Robot</source>
            <translation>Roboter</translation>
        </message>
        <message>
            <source>Room</source>
            <translation>Zimmer</translation>
        </message>
        <message>
            <source>Room size</source>
            <translation>Raumgröße</translation>
        </message>
        <message>
            <source>Run PipeWire with pipewire-pulse, or PulseAudio, and install the library libpulse0.
rtvc then creates "{microphone}"; choose it as the microphone in Discord or OBS.</source>
            <translation>Starte PipeWire mit pipewire-pulse oder PulseAudio und installiere die Bibliothek libpulse0.
rtvc legt dann „{microphone}“ an; wähle es in Discord oder OBS als Mikrofon.</translation>
        </message>
        <message>
            <source>Safe</source>
            <translation>Sicher</translation>
        </message>
        <message>
            <source>Same as the system</source>
            <translation>Wie das System</translation>
        </message>
        <message>
            <source>Save as…</source>
            <translation>Speichern unter…</translation>
        </message>
        <message>
            <source>Save the effects</source>
            <translation>Effekte speichern</translation>
        </message>
        <message>
            <source>Save these settings</source>
            <translation>Diese Einstellungen speichern</translation>
        </message>
        <message>
            <source>Save these settings…</source>
            <translation>Diese Einstellungen speichern…</translation>
        </message>
        <message>
            <source>Say a sentence.</source>
            <translation>Sag einen Satz.</translation>
        </message>
        <message>
            <source>Say something. If the bar does not move, pick another microphone.</source>
            <translation>Sag etwas. Wenn sich der Balken nicht bewegt, wähle ein anderes Mikrofon.</translation>
        </message>
        <message>
            <source>Search voices</source>
            <translation>Stimmen suchen</translation>
        </message>
        <message>
            <source>Send a test tone</source>
            <translation>Testton senden</translation>
        </message>
        <message>
            <source>Send silence</source>
            <translation>Sendet Stille</translation>
        </message>
        <message>
            <source>Send sound only while the talk key is held</source>
            <translation>Sendet nur, solange die Sprechtaste gedrückt ist</translation>
        </message>
        <message>
            <source>Send your own voice, with the same delay as the converted one</source>
            <translation>Sendet deine eigene Stimme, mit derselben Verzögerung wie die umgewandelte</translation>
        </message>
        <message>
            <source>Sending the new voice to the server.</source>
            <translation>Die neue Stimme wird an den Server gesendet.</translation>
        </message>
        <message>
            <source>Sends silence below the threshold, or when nobody speaks</source>
            <translation>Sendet Stille unterhalb der Schwelle, oder wenn niemand spricht</translation>
        </message>
        <message>
            <source>Server</source>
            <translation>Server</translation>
        </message>
        <message>
            <source>Servers support only the transport mkl; the others need too much computing time.</source>
            <translation>Server unterstützen nur den Transport MKL; die anderen brauchen zu viel Rechenzeit.</translation>
        </message>
        <message>
            <source>Set up</source>
            <translation>Einrichten</translation>
        </message>
        <message>
            <source>Set up rtvc</source>
            <translation>rtvc einrichten</translation>
        </message>
        <message>
            <source>Set up the virtual microphone and test it</source>
            <translation>Das virtuelle Mikrofon einrichten und testen</translation>
        </message>
        <message>
            <source>Settings</source>
            <translation>Einstellungen</translation>
        </message>
        <message>
            <source>Share of the second voice</source>
            <translation>Anteil der zweiten Stimme</translation>
        </message>
        <message>
            <source>Short delay without gaps on most computers.</source>
            <translation>Geringe Verzögerung ohne Aussetzer auf den meisten Computern.</translation>
        </message>
        <message>
            <source>Silent</source>
            <translation>Stille</translation>
        </message>
        <message>
            <source>Similarity and clarity</source>
            <translation>Ähnlichkeit und Deutlichkeit</translation>
        </message>
        <message>
            <source>Sinkhorn</source>
            <translation>Sinkhorn</translation>
        </message>
        <message>
            <source>Sinkhorn and flow matching need a recording of your voice: teach rtvc your voice, or choose MKL or kNN.</source>
            <translation>Sinkhorn und Flow Matching brauchen eine Aufnahme deiner Stimme. Bring rtvc deine Stimme bei, oder wähle MKL oder kNN.</translation>
        </message>
        <message>
            <source>Size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>Skip the setup</source>
            <translation>Überspringen</translation>
        </message>
        <message>
            <source>Sound</source>
            <translation>Klang</translation>
        </message>
        <message>
            <source>Sound below this level counts as silence</source>
            <translation>Ton unter diesem Pegel gilt als Stille</translation>
        </message>
        <message>
            <source>Sound devices</source>
            <translation>Audiogeräte</translation>
        </message>
        <message>
            <source>Soundboard</source>
            <translation>Soundboard</translation>
        </message>
        <message>
            <source>Sources</source>
            <translation>Quellen</translation>
        </message>
        <message>
            <source>Speak now… {seconds} s</source>
            <translation>Sprich jetzt… {seconds} s</translation>
        </message>
        <message>
            <source>Speak… {seconds} s</source>
            <translation>Sprich… {seconds} s</translation>
        </message>
        <message>
            <source>Spectrogram</source>
            <translation>Spektrogramm</translation>
        </message>
        <message>
            <source>Spectrogram: {name}</source>
            <translation>Spektrogramm: {name}</translation>
        </message>
        <message>
            <source>Speech that rtvc has learnt your own voice from so far</source>
            <translation>Sprache, aus der rtvc deine eigene Stimme bisher gelernt hat</translation>
        </message>
        <message>
            <source>Start</source>
            <translation>Start</translation>
        </message>
        <message>
            <source>Start minimised</source>
            <translation>Minimiert starten</translation>
        </message>
        <message>
            <source>Start rtvc when I log in</source>
            <translation>Mit dem System starten</translation>
        </message>
        <message>
            <source>Start talking</source>
            <translation>Lossprechen</translation>
        </message>
        <message>
            <source>Starting</source>
            <translation>Startet</translation>
        </message>
        <message>
            <source>Starting with the system cannot be changed ({reason}): change it in the system's own settings.</source>
            <translation>Der Start mit dem System lässt sich nicht ändern ({reason}). Ändere ihn in den Einstellungen des Systems.</translation>
        </message>
        <message>
            <source>Starting …</source>
            <translation>Startet …</translation>
        </message>
        <message>
            <source>Status: {status}</source>
            <translation>Status: {status}</translation>
        </message>
        <message>
            <source>Step</source>
            <translation>Schritt</translation>
        </message>
        <message>
            <source>Step {number} of {count}</source>
            <translation>Schritt {number} von {count}</translation>
        </message>
        <message>
            <source>Stop</source>
            <translation>Stopp</translation>
        </message>
        <message>
            <source>Stop all clips</source>
            <translation>Alle Clips stoppen</translation>
        </message>
        <message>
            <source>Stop playing {name}</source>
            <translation>Wiedergabe von {name} beenden</translation>
        </message>
        <message>
            <source>Stopped</source>
            <translation>Gestoppt</translation>
        </message>
        <message>
            <source>Stopping</source>
            <translation>Stoppt</translation>
        </message>
        <message>
            <source>Stopping …</source>
            <translation>Stoppt …</translation>
        </message>
        <message>
            <source>Stream</source>
            <translation>Stream</translation>
        </message>
        <message>
            <source>Strength</source>
            <translation>Stärke</translation>
        </message>
        <message>
            <source>Switch off</source>
            <translation>Ausschalten</translation>
        </message>
        <message>
            <source>Switch on</source>
            <translation>Einschalten</translation>
        </message>
        <message>
            <source>Switch on or off</source>
            <translation>Ein- oder ausschalten</translation>
        </message>
        <message>
            <source>Switch the voice changer off to test with a tone.</source>
            <translation>Schalte den Voice-Changer aus, um mit einem Ton zu testen.</translation>
        </message>
        <message>
            <source>Switch the voice changer on or off</source>
            <translation>Schaltet den Voice-Changer ein oder aus</translation>
        </message>
        <message>
            <source>Switch the voice changer on to play clips.</source>
            <translation>Schalte den Voice-Changer ein, um Clips zu spielen.</translation>
        </message>
        <message>
            <source>System default</source>
            <translation>Systemstandard</translation>
        </message>
        <message>
            <source>Teach rtvc your voice</source>
            <translation>Bring rtvc deine Stimme bei</translation>
        </message>
        <message>
            <source>Teach rtvc your voice (optional)</source>
            <translation>Bring rtvc deine Stimme bei (optional)</translation>
        </message>
        <message>
            <source>Teach rtvc your voice…</source>
            <translation>Meine Stimme beibringen…</translation>
        </message>
        <message>
            <source>Telephone</source>
            <translation>Telefon</translation>
        </message>
        <message>
            <source>Testing it with a short tone …</source>
            <translation>Wird mit einem kurzen Ton getestet …</translation>
        </message>
        <message>
            <source>The 8-bit weights of the model pack {name} need a processor with VNNI, which this one lacks: it sounds distorted here. Remove it and build it again.</source>
            <translation>Die 8-Bit-Gewichte des Modellpakets {name} brauchen einen Prozessor mit VNNI, und dieser hat keins: Es klingt hier verzerrt. Entferne es und baue es neu.</translation>
        </message>
        <message>
            <source>The bar is the level, the line the peak of the last seconds; the lamp turns red when it clips</source>
            <translation>Der Balken ist der Pegel, der Strich die Spitze der letzten Sekunden; das Lämpchen wird bei Übersteuerung rot</translation>
        </message>
        <message>
            <source>The computer cannot keep up. Close other programs.</source>
            <translation>Der Computer kommt nicht hinterher. Schließe andere Programme.</translation>
        </message>
        <message>
            <source>The computer cannot keep up. Use the Safe latency profile, or close other programs.</source>
            <translation>Der Computer kommt nicht hinterher. Nimm das Latenzprofil „Sicher“ oder schließe andere Programme.</translation>
        </message>
        <message>
            <source>The converted voice plays on this device. Others hear it only through a virtual cable.</source>
            <translation>Die umgewandelte Stimme kommt aus diesem Gerät. Andere hören sie nur über ein virtuelles Kabel.</translation>
        </message>
        <message>
            <source>The defaults: the voice's own pitch and intonation.</source>
            <translation>Die Standardwerte: Tonhöhe und Intonation der Stimme selbst.</translation>
        </message>
        <message>
            <source>The diagnostics were copied. Paste them into a bug report.</source>
            <translation>Die Diagnose wurde kopiert. Füge sie in einen Fehlerbericht ein.</translation>
        </message>
        <message>
            <source>The engine has stopped because of an internal error ({reason}).</source>
            <translation>Die Umwandlung wurde wegen eines internen Fehlers beendet ({reason}).</translation>
        </message>
        <message>
            <source>The engine has stopped. Switch it on again.</source>
            <translation>Die Umwandlung wurde beendet. Schalte sie wieder ein.</translation>
        </message>
        <message>
            <source>The enrolment contains only {seconds} s of speech: the voice will be closer with {enough} s or more.</source>
            <translation>Die Stimmprobe enthält nur {seconds} s Sprache. Mit {enough} s oder mehr wird die Stimme ähnlicher.</translation>
        </message>
        <message>
            <source>The large models of the published methods. For a fast processor or a graphics card.</source>
            <translation>Die großen Modelle der veröffentlichten Verfahren. Für einen schnellen Prozessor oder eine Grafikkarte.</translation>
        </message>
        <message>
            <source>The map is being fitted.</source>
            <translation>Die Abbildung wird berechnet.</translation>
        </message>
        <message>
            <source>The map {name} was trained for the model pack {pack} ({digest}), not for {other} ({wanted}): train it for this pack, or choose another transport.</source>
            <translation>Die Abbildung {name} gehört zum Modellpaket {pack} ({digest}), nicht zu {other} ({wanted}). Trainiere sie für dieses Paket oder wähle einen anderen Transport.</translation>
        </message>
        <message>
            <source>The microphone stays closed until you switch the voice changer on</source>
            <translation>Das Mikrofon bleibt zu, bis du den Voice-Changer einschaltest</translation>
        </message>
        <message>
            <source>The model pack {name} is complete and runs.</source>
            <translation>Das Modellpaket {name} ist vollständig und läuft.</translation>
        </message>
        <message>
            <source>The model pack {name} is ready to use.</source>
            <translation>Das Modellpaket {name} ist einsatzbereit.</translation>
        </message>
        <message>
            <source>The model pack {name} was removed.</source>
            <translation>Das Modellpaket {name} wurde entfernt.</translation>
        </message>
        <message>
            <source>The model pack {pack} does not specify its formants: leave the formants at 1, or choose the pack mini.</source>
            <translation>Das Modellpaket {pack} gibt seine Formanten nicht an: Lass die Formanten bei 1 oder wähle das Paket mini.</translation>
        </message>
        <message>
            <source>The model pack {pack} has no pitch dimension: leave the pitch at 0 semitones and the intonation at 1, or choose the pack mini.</source>
            <translation>Das Modellpaket {pack} hat keine Tonhöhen-Dimension: Lass die Tonhöhe bei 0 Halbtönen und die Intonation bei 1 oder wähle das Paket mini.</translation>
        </message>
        <message>
            <source>The plug-in {name} cannot be used: {reason}.</source>
            <translation>Das Plug-in {name} kann nicht verwendet werden: {reason}.</translation>
        </message>
        <message>
            <source>The plug-in {name} crashed and is bypassed. To restart it, switch it off and on again.</source>
            <translation>Das Plug-in {name} ist abgestürzt und wird umgangen. Schalte es aus und wieder ein, um es neu zu starten.</translation>
        </message>
        <message>
            <source>The plug-in {name} has crashed.</source>
            <translation>Das Plug-in {name} ist abgestürzt.</translation>
        </message>
        <message>
            <source>The plug-in {name} is too slow and is bypassed. To restart it, switch it off and on again.</source>
            <translation>Das Plug-in {name} ist zu langsam und wird umgangen. Schalte es aus und wieder ein, um es neu zu starten.</translation>
        </message>
        <message>
            <source>The plug-in {name} reports a delay of {number} ms, but an impulse came out after {seconds} ms: the delay shown may be wrong by the difference.</source>
            <translation>Das Plug-in {name} meldet {number} ms Verzögerung, ein Impuls kam aber erst nach {seconds} ms: Die angezeigte Verzögerung kann um den Unterschied falsch sein.</translation>
        </message>
        <message>
            <source>The plug-in {name} shows no window: {reason}.</source>
            <translation>Das Plug-in {name} zeigt kein Fenster: {reason}.</translation>
        </message>
        <message>
            <source>The preferences were damaged ({reason}). They are kept as {path}; the defaults are used from now on.</source>
            <translation>Die Einstellungen waren beschädigt ({reason}). Sie liegen jetzt in {path}; ab jetzt gelten die Standardwerte.</translation>
        </message>
        <message>
            <source>The profile Lowest loses sound on this computer now. Balanced is used instead.</source>
            <translation>Das Profil „Minimal“ verliert auf diesem Computer zurzeit Ton. Stattdessen gilt „Ausgewogen“.</translation>
        </message>
        <message>
            <source>The recording contains {seconds} s of speech; an enrolment needs at least {least} s, better 20 s: check the microphone and record again.</source>
            <translation>Die Aufnahme enthält {seconds} s Sprache; eine Stimmprobe braucht mindestens {least} s, besser 20 s. Prüfe das Mikrofon und nimm noch einmal auf.</translation>
        </message>
        <message>
            <source>The recording of {name} was cleaned.</source>
            <translation>Die Aufnahme von {name} wurde bereinigt.</translation>
        </message>
        <message>
            <source>The recording was cancelled. Start it again when you are ready.</source>
            <translation>Die Aufnahme wurde abgebrochen. Starte sie neu, wenn du bereit bist.</translation>
        </message>
        <message>
            <source>The recording was saved as {path}.</source>
            <translation>Die Aufnahme wurde als {path} gespeichert.</translation>
        </message>
        <message>
            <source>The server answers, but no audio arrives: allow UDP between the two computers (check their firewalls).</source>
            <translation>Der Server antwortet, aber es kommt kein Ton an: Lass UDP zwischen beiden Computern zu (prüfe ihre Firewalls).</translation>
        </message>
        <message>
            <source>The server cannot convert to this voice. Listeners hear silence.</source>
            <translation>Der Server kann nicht in diese Stimme umwandeln. Andere hören Stille.</translation>
        </message>
        <message>
            <source>The server does not have this voice.</source>
            <translation>Der Server hat diese Stimme nicht.</translation>
        </message>
        <message>
            <source>The server is starting the voice changer.</source>
            <translation>Der Server startet den Voice-Changer.</translation>
        </message>
        <message>
            <source>The sound devices are being opened. Try again in a moment.</source>
            <translation>Die Audiogeräte werden gerade geöffnet. Versuch es gleich noch einmal.</translation>
        </message>
        <message>
            <source>The sound server does not remove old devices: restart it.</source>
            <translation>Der Soundserver entfernt alte Geräte nicht. Starte ihn neu.</translation>
        </message>
        <message>
            <source>The sound server moved the {role} from {device} to {other}</source>
            <translation>Der Soundserver hat die Verbindung ({role}) von {device} auf {other} umgelegt</translation>
        </message>
        <message>
            <source>The sound server refused to create the virtual microphone ({reason}).</source>
            <translation>Der Soundserver hat das virtuelle Mikrofon nicht angelegt ({reason}).</translation>
        </message>
        <message>
            <source>The sound server removed {device}</source>
            <translation>Der Soundserver hat {device} entfernt</translation>
        </message>
        <message>
            <source>The sound server stopped</source>
            <translation>Der Soundserver läuft nicht mehr</translation>
        </message>
        <message>
            <source>The token is missing or wrong.</source>
            <translation>Das Token fehlt oder ist falsch.</translation>
        </message>
        <message>
            <source>The tone arrived: the virtual microphone works.</source>
            <translation>Der Ton ist angekommen: Das virtuelle Mikrofon funktioniert.</translation>
        </message>
        <message>
            <source>The tone did not arrive. Restart the sound server and test again.</source>
            <translation>Der Ton ist nicht angekommen. Starte den Soundserver neu und teste noch einmal.</translation>
        </message>
        <message>
            <source>The trained map {name} converts only to the voice {voice}, not to {other}: choose that voice, or another transport.</source>
            <translation>Die trainierte Abbildung {name} führt nur zur Stimme {voice}, nicht zu {other}. Wähle diese Stimme oder einen anderen Transport.</translation>
        </message>
        <message>
            <source>The trained map {name} does not produce usable values: train it again.</source>
            <translation>Die trainierte Abbildung {name} liefert keine brauchbaren Werte. Trainiere sie neu.</translation>
        </message>
        <message>
            <source>The virtual microphone</source>
            <translation>Das virtuelle Mikrofon</translation>
        </message>
        <message>
            <source>The voice changer is off.</source>
            <translation>Der Voice-Changer ist aus.</translation>
        </message>
        <message>
            <source>The voice {name} cannot be changed ({reason}): check the free space in {folder} and the permission to write there.</source>
            <translation>Die Stimme {name} lässt sich nicht ändern ({reason}). Prüfe, ob in {folder} Platz ist und du dort schreiben darfst.</translation>
        </message>
        <message>
            <source>The voice {voice} of the preset {name} no longer exists, so the voice is unchanged: choose another one and store the preset again.</source>
            <translation>Die Stimme {voice} des Presets {name} gibt es nicht mehr, darum bleibt die Stimme, wie sie ist. Wähle eine andere und speichere das Preset neu.</translation>
        </message>
        <message>
            <source>There is no impulse response {name}: choose one of {names}, or add a recording.</source>
            <translation>Es gibt keine Impulsantwort {name}: Wähle eine von {names} oder füge eine Aufnahme hinzu.</translation>
        </message>
        <message>
            <source>There is no output to hear yourself on. Plug in headphones, then refresh the devices.</source>
            <translation>Es gibt keine Ausgabe, auf der du dich hören kannst. Schließe Kopfhörer an und suche die Geräte neu.</translation>
        </message>
        <message>
            <source>There is no output to play on. Plug in headphones or speakers.</source>
            <translation>Es gibt keine Ausgabe zum Abspielen. Schließe Kopfhörer oder Lautsprecher an.</translation>
        </message>
        <message>
            <source>There is no plug-in {name} in the system's folders for VST3 and Audio Units: install it, or choose another.{alike}</source>
            <translation>Kein Plug-in {name} in den VST3- und Audio-Unit-Ordnern des Systems. Installiere es oder wähle ein anderes.{alike}</translation>
        </message>
        <message>
            <source>There is nothing to record yet. Switch the voice changer on first.</source>
            <translation>Noch gibt es nichts aufzunehmen. Schalte zuerst den Voice-Changer ein.</translation>
        </message>
        <message>
            <source>This program's share of one processor core</source>
            <translation>Anteil dieses Programms an einem Prozessorkern</translation>
        </message>
        <message>
            <source>Threads per model; more are faster as long as cores are free</source>
            <translation>Threads pro Modell; mehr sind schneller, solange Kerne frei sind</translation>
        </message>
        <message>
            <source>Threshold</source>
            <translation>Schwelle</translation>
        </message>
        <message>
            <source>Time of each step, compared with its deadline</source>
            <translation>Zeit jedes Schritts, verglichen mit seiner Frist</translation>
        </message>
        <message>
            <source>Time per step</source>
            <translation>Zeit pro Schritt</translation>
        </message>
        <message>
            <source>To</source>
            <translation>Zu</translation>
        </message>
        <message>
            <source>To use it, teach rtvc your voice first. Until then, MKL is used.</source>
            <translation>Bring rtvc dafür zuerst deine Stimme bei. Bis dahin wird MKL verwendet.</translation>
        </message>
        <message>
            <source>Token file of the server</source>
            <translation>Token-Datei des Servers</translation>
        </message>
        <message>
            <source>Total delay</source>
            <translation>Gesamte Verzögerung</translation>
        </message>
        <message>
            <source>Trains a small network for about 30 s, once for each pair of voices.</source>
            <translation>Trainiert ein kleines Netz, etwa 30 s lang, einmal für jedes Paar von Stimmen.</translation>
        </message>
        <message>
            <source>Transport</source>
            <translation>Transport</translation>
        </message>
        <message>
            <source>Try again</source>
            <translation>Noch einmal</translation>
        </message>
        <message>
            <source>Turn off Noise Suppression and Echo Cancellation. If it is not listed, reload Discord with Ctrl+R.</source>
            <translation>Schalte Rauschunterdrückung und Echounterdrückung aus. Fehlt es in der Liste, lade Discord mit Strg+R neu.</translation>
        </message>
        <message>
            <source>Underwater</source>
            <translation>Unter Wasser</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Rückgängig</translation>
        </message>
        <message>
            <source>Unexpected error ({kind}). Start `rtvc gui` in a terminal to see the details.</source>
            <translation>Unerwarteter Fehler ({kind}). Starte „rtvc gui“ in einem Terminal, um die Einzelheiten zu sehen.</translation>
        </message>
        <message>
            <source>Unknown</source>
            <translation>Unbekannt</translation>
        </message>
        <message>
            <source>Use</source>
            <translation>Verwenden</translation>
        </message>
        <message>
            <source>Use hotkeys everywhere</source>
            <translation>Tastenkürzel überall verwenden</translation>
        </message>
        <message>
            <source>Use the Safe profile</source>
            <translation>Profil „Sicher“ verwenden</translation>
        </message>
        <message>
            <source>User Settings</source>
            <translation>Benutzereinstellungen</translation>
        </message>
        <message>
            <source>Using a server needs the packages aiortc and aiohttp: install rtvc with the extra `server`.</source>
            <translation>Ein Server braucht die Pakete aiortc und aiohttp. Installiere rtvc mit dem Extra „server“.</translation>
        </message>
        <message>
            <source>Verify</source>
            <translation>Überprüfen</translation>
        </message>
        <message>
            <source>Very high and bright</source>
            <translation>Sehr hoch und hell</translation>
        </message>
        <message>
            <source>Very low and calm</source>
            <translation>Sehr tief und ruhig</translation>
        </message>
        <message>
            <source>Virtual microphone (none yet)</source>
            <translation>Virtuelles Mikrofon (noch keins)</translation>
        </message>
        <message>
            <source>Voice</source>
            <translation>Stimme</translation>
        </message>
        <message>
            <source>Voice &amp; Video</source>
            <translation>Sprache &amp; Video</translation>
        </message>
        <message>
            <source>Voice changer</source>
            <translation>Voice-Changer</translation>
        </message>
        <message>
            <source>Voice changer on or off</source>
            <translation>Voice-Changer ein oder aus</translation>
        </message>
        <message>
            <source>Voice hotkeys 1 to {last}</source>
            <translation>Stimmen 1 bis {last}</translation>
        </message>
        <message>
            <source>Voice level</source>
            <translation>Pegel der Stimme</translation>
        </message>
        <message>
            <source>Voice of hotkey {number}</source>
            <translation>Stimme des Tastenkürzels {number}</translation>
        </message>
        <message>
            <source>Voice {name}</source>
            <translation>Stimme {name}</translation>
        </message>
        <message>
            <source>Voices</source>
            <translation>Stimmen</translation>
        </message>
        <message>
            <source>Voices and enrolments</source>
            <translation>Stimmen und Stimmproben</translation>
        </message>
        <message>
            <source>Waiting</source>
            <translation>Wartet</translation>
        </message>
        <message>
            <source>Wayland does not allow global hotkeys.</source>
            <translation>Wayland lässt keine globalen Tastenkürzel zu.</translation>
        </message>
        <message>
            <source>Where data is stored</source>
            <translation>Wo die Daten liegen</translation>
        </message>
        <message>
            <source>Window</source>
            <translation>Fenster</translation>
        </message>
        <message>
            <source>You are heard on {output} as {voice}, via {server}.</source>
            <translation>Du bist über {output} als {voice} zu hören, umgewandelt von {server}.</translation>
        </message>
        <message>
            <source>You are heard on {output} as {voice}.</source>
            <translation>Du bist über {output} als {voice} zu hören.</translation>
        </message>
        <message>
            <source>You can skip this and do it later.</source>
            <translation>Du kannst das überspringen und später nachholen.</translation>
        </message>
        <message>
            <source>Your microphone</source>
            <translation>Dein Mikrofon</translation>
        </message>
        <message>
            <source>Your own voice goes to {output}, because the strength is 0.</source>
            <translation>Deine eigene Stimme geht an {output}, weil die Stärke 0 ist.</translation>
        </message>
        <message>
            <source>Your unchanged voice goes to {output}.</source>
            <translation>An {output} geht deine unveränderte Stimme.</translation>
        </message>
        <message>
            <source>Your voice</source>
            <translation>Deine Stimme</translation>
        </message>
        <message>
            <source>Your voice was forgotten.</source>
            <translation>Deine Stimme wurde vergessen.</translation>
        </message>
        <message>
            <source>Your voice was learnt with noise suppression, which is off now: switch it on, or enrol again.</source>
            <translation>Deine Stimme wurde mit Rauschunterdrückung gelernt, die jetzt aus ist: Schalte sie ein oder nimm deine Stimmprobe neu auf.</translation>
        </message>
        <message>
            <source>Your voice was learnt without noise suppression, which is on now: switch it off, or enrol again.</source>
            <translation>Deine Stimme wurde ohne Rauschunterdrückung gelernt, die jetzt an ist: Schalte sie aus oder nimm deine Stimmprobe neu auf.</translation>
        </message>
        <message>
            <source>a blend of {one} ({first}) and {other} ({second})</source>
            <translation>Mischung aus {one} ({first}) und {other} ({second})</translation>
        </message>
        <message>
            <source>as the model suggests</source>
            <translation>wie das Modell vorschlägt</translation>
        </message>
        <message>
            <source>cannot be read ({reason})</source>
            <translation>lässt sich nicht lesen ({reason})</translation>
        </message>
        <message>
            <source>clearer</source>
            <translation>deutlicher</translation>
        </message>
        <message>
            <source>clipped</source>
            <translation>übersteuert</translation>
        </message>
        <message>
            <source>closed</source>
            <translation>zugeklappt</translation>
        </message>
        <message>
            <source>collecting one step of sound</source>
            <translation>einen Schritt Ton sammeln</translation>
        </message>
        <message>
            <source>contains no samples</source>
            <translation>enthält keinen Ton</translation>
        </message>
        <message>
            <source>deadline {milliseconds} ms</source>
            <translation>Frist {milliseconds} ms</translation>
        </message>
        <message>
            <source>default</source>
            <translation>Standard</translation>
        </message>
        <message>
            <source>high</source>
            <translation>hoch</translation>
        </message>
        <message>
            <source>higher</source>
            <translation>höher</translation>
        </message>
        <message>
            <source>in use</source>
            <translation>in Gebrauch</translation>
        </message>
        <message>
            <source>is a folder, not an audio file</source>
            <translation>ist ein Ordner, keine Audiodatei</translation>
        </message>
        <message>
            <source>is empty</source>
            <translation>ist leer</translation>
        </message>
        <message>
            <source>is not audio that can be read, or is damaged</source>
            <translation>ist keine lesbare Audiodatei oder beschädigt</translation>
        </message>
        <message>
            <source>kNN</source>
            <translation>kNN</translation>
        </message>
        <message>
            <source>known</source>
            <translation>bekannt</translation>
        </message>
        <message>
            <source>larger body</source>
            <translation>größerer Körper</translation>
        </message>
        <message>
            <source>libpulse is missing: install it (Debian and Ubuntu: apt install libpulse0).</source>
            <translation>libpulse fehlt. Installiere es (Debian und Ubuntu: apt install libpulse0).</translation>
        </message>
        <message>
            <source>light</source>
            <translation>leicht</translation>
        </message>
        <message>
            <source>lively</source>
            <translation>lebhaft</translation>
        </message>
        <message>
            <source>long</source>
            <translation>lang</translation>
        </message>
        <message>
            <source>lookahead, overlap and resampling</source>
            <translation>Vorausschau, Überlappung und Abtastratenwandlung</translation>
        </message>
        <message>
            <source>low</source>
            <translation>tief</translation>
        </message>
        <message>
            <source>lower</source>
            <translation>tiefer</translation>
        </message>
        <message>
            <source>medium</source>
            <translation>mittel</translation>
        </message>
        <message>
            <source>monotone</source>
            <translation>monoton</translation>
        </message>
        <message>
            <source>more similar</source>
            <translation>ähnlicher</translation>
        </message>
        <message>
            <source>my voice</source>
            <translation>meine Stimme</translation>
        </message>
        <message>
            <source>no speech</source>
            <translation>keine Sprache</translation>
        </message>
        <message>
            <source>no such file</source>
            <translation>Datei nicht gefunden</translation>
        </message>
        <message>
            <source>none</source>
            <translation>keine</translation>
        </message>
        <message>
            <source>not measured yet</source>
            <translation>noch nicht gemessen</translation>
        </message>
        <message>
            <source>noticeable</source>
            <translation>spürbar</translation>
        </message>
        <message>
            <source>off</source>
            <translation>aus</translation>
        </message>
        <message>
            <source>open</source>
            <translation>aufgeklappt</translation>
        </message>
        <message>
            <source>opens above level</source>
            <translation>öffnet ab Pegel</translation>
        </message>
        <message>
            <source>opens for speech</source>
            <translation>öffnet bei Sprache</translation>
        </message>
        <message>
            <source>ordinary priority</source>
            <translation>normale Priorität</translation>
        </message>
        <message>
            <source>ordinary priority: {reason}</source>
            <translation>normale Priorität: {reason}</translation>
        </message>
        <message>
            <source>real-time priority {number}</source>
            <translation>Echtzeitpriorität {number}</translation>
        </message>
        <message>
            <source>real-time priority {number} via RealtimeKit</source>
            <translation>Echtzeitpriorität {number} über RealtimeKit</translation>
        </message>
        <message>
            <source>rtvc cannot convert to this voice, so listeners hear silence. Choose another voice.</source>
            <translation>rtvc kann nicht in diese Stimme umwandeln, darum hören andere Stille. Wähle eine andere Stimme.</translation>
        </message>
        <message>
            <source>rtvc creates the virtual microphone when you switch the voice changer on. Create it now if you want to select it in Discord or OBS first.</source>
            <translation>rtvc legt das virtuelle Mikrofon beim Einschalten des Voice-Changers an. Lege es jetzt an, um es vorher in Discord oder OBS auszuwählen.</translation>
        </message>
        <message>
            <source>rtvc has learnt your voice from {seconds} s of speech.</source>
            <translation>rtvc hat deine Stimme aus {seconds} s Sprache gelernt.</translation>
        </message>
        <message>
            <source>rtvc learns your voice while you talk. If it has learnt your voice beforehand, even the first words are converted well. Press Start and read this aloud for {seconds} seconds, in your normal voice:</source>
            <translation>rtvc lernt deine Stimme, während du sprichst. Kennt es sie schon vorher, werden auch die ersten Worte gut umgewandelt. Drücke Start und lies das {seconds} Sekunden lang laut vor, mit deiner normalen Stimme:</translation>
        </message>
        <message>
            <source>rtvc plays a short tone into the virtual microphone and records it there.</source>
            <translation>rtvc spielt einen kurzen Ton in das virtuelle Mikrofon und nimmt ihn dort auf.</translation>
        </message>
        <message>
            <source>rtvc {version}, a real-time voice changer. Licence: {licence}. Sound leaves this computer only if you choose a server.</source>
            <translation>rtvc {version}, ein Voice-Changer in Echtzeit. Lizenz: {licence}. Ton verlässt diesen Computer nur, wenn du einen Server wählst.</translation>
        </message>
        <message>
            <source>rtvc: {status}</source>
            <translation>rtvc: {status}</translation>
        </message>
        <message>
            <source>run `pip install -e ".[export]"` in the folder of rtvc.</source>
            <translation>führe im Ordner von rtvc „pip install -e ".[export]"“ aus.</translation>
        </message>
        <message>
            <source>short</source>
            <translation>kurz</translation>
        </message>
        <message>
            <source>silent</source>
            <translation>still</translation>
        </message>
        <message>
            <source>smaller body</source>
            <translation>kleinerer Körper</translation>
        </message>
        <message>
            <source>sound buffered between the threads</source>
            <translation>Ton, der zwischen den Threads gepuffert ist</translation>
        </message>
        <message>
            <source>sound card and operating system, as they report it</source>
            <translation>Soundkarte und Betriebssystem, wie sie es melden</translation>
        </message>
        <message>
            <source>strong</source>
            <translation>stark</translation>
        </message>
        <message>
            <source>the chosen voice</source>
            <translation>gewählte Stimme</translation>
        </message>
        <message>
            <source>the models' time for one step</source>
            <translation>Zeit der Modelle für einen Schritt</translation>
        </message>
        <message>
            <source>the virtual microphone</source>
            <translation>das virtuelle Mikrofon</translation>
        </message>
        <message>
            <source>to the server and back, with the codec</source>
            <translation>zum Server und zurück, mit dem Codec</translation>
        </message>
        <message>
            <source>unchanged</source>
            <translation>unverändert</translation>
        </message>
        <message>
            <source>your own voice</source>
            <translation>deine eigene Stimme</translation>
        </message>
        <message>
            <source>yourself</source>
            <translation>du selbst</translation>
        </message>
        <message>
            <source>{device} (not plugged in)</source>
            <translation>{device} (nicht angeschlossen)</translation>
        </message>
        <message>
            <source>{device} cannot be opened ({reason}).</source>
            <translation>{device} lässt sich nicht öffnen ({reason}).</translation>
        </message>
        <message>
            <source>{device} delivered no sound: check that it is not muted, and record longer.</source>
            <translation>{device} hat keinen Ton geliefert. Prüfe, ob es stummgeschaltet ist, und nimm länger auf.</translation>
        </message>
        <message>
            <source>{device} has stalled</source>
            <translation>{device} liefert nichts mehr</translation>
        </message>
        <message>
            <source>{device} rejects every common sample rate: close other programs that use it.</source>
            <translation>{device} lehnt jede übliche Abtastrate ab. Schließe andere Programme, die es benutzen.</translation>
        </message>
        <message>
            <source>{device} was disconnected</source>
            <translation>{device} ist nicht mehr verbunden</translation>
        </message>
        <message>
            <source>{error} The voice stays {voice}.</source>
            <translation>{error} Die Stimme bleibt {voice}.</translation>
        </message>
        <message>
            <source>{error} Until then, listeners hear silence.</source>
            <translation>{error} Bis dahin hören andere Stille.</translation>
        </message>
        <message>
            <source>{error} Until then, listeners hear your own voice.</source>
            <translation>{error} Bis dahin hören andere deine eigene Stimme.</translation>
        </message>
        <message>
            <source>{error} Until there is a map, listeners hear silence.</source>
            <translation>{error} Bis es eine Abbildung gibt, hören andere Stille.</translation>
        </message>
        <message>
            <source>{error}. Reconnecting…</source>
            <translation>{error}. Verbindet neu…</translation>
        </message>
        <message>
            <source>{error}: you no longer hear yourself.</source>
            <translation>{error}. Du hörst dich nicht mehr.</translation>
        </message>
        <message>
            <source>{folder} has no {file}: put it there, or choose “Download and build”.</source>
            <translation>In {folder} fehlt {file}. Lege es dort ab oder wähle „Herunterladen und bauen“.</translation>
        </message>
        <message>
            <source>{folder} has {free} MB free and needs {size} MB: make room.</source>
            <translation>In {folder} sind {free} MB frei, gebraucht werden {size} MB. Schaffe Platz.</translation>
        </message>
        <message>
            <source>{folder}: the folder cannot be created ({reason}). Name another folder.</source>
            <translation>{folder}: Der Ordner lässt sich nicht anlegen ({reason}). Nimm einen anderen Ordner.</translation>
        </message>
        <message>
            <source>{keys} alone is needed to navigate this window. Add Ctrl or Alt.</source>
            <translation>{keys} allein wird gebraucht, um sich in diesem Fenster zu bewegen. Nimm Strg oder Alt dazu.</translation>
        </message>
        <message>
            <source>{keys} already adds a voice from a recording. Press other keys.</source>
            <translation>{keys} fügt schon eine Stimme aus einer Aufnahme hinzu. Drücke andere Tasten.</translation>
        </message>
        <message>
            <source>{keys} chooses this voice</source>
            <translation>{keys} wählt diese Stimme</translation>
        </message>
        <message>
            <source>{keys} is used by “{action}”. Clear it there, or press other keys.</source>
            <translation>{keys} gehört schon zu „{action}“. Lösche es dort oder drücke andere Tasten.</translation>
        </message>
        <message>
            <source>{keys} is used in other programs by “{action}”. Clear it there, or press other keys.</source>
            <translation>{keys} gehört in anderen Programmen schon zu „{action}“. Lösche es dort oder drücke andere Tasten.</translation>
        </message>
        <message>
            <source>{keys} types text in other programs. Add Ctrl or Alt, or use a key such as F8.</source>
            <translation>{keys} schreibt Text in anderen Programmen. Nimm Strg oder Alt dazu oder eine Taste wie F8.</translation>
        </message>
        <message>
            <source>{keys} works only in this window. Choose another key for use in other programs.</source>
            <translation>{keys} wirkt nur in diesem Fenster. Nimm für andere Programme eine andere Taste.</translation>
        </message>
        <message>
            <source>{keys}: Shift turns this key into another character. Leave Shift out.</source>
            <translation>{keys}: Mit der Umschalttaste wird daraus ein anderes Zeichen. Lass die Umschalttaste weg.</translation>
        </message>
        <message>
            <source>{keys}: rtvc cannot distinguish number-pad keys from the main keys. Use another key.</source>
            <translation>{keys}: rtvc kann die Tasten des Ziffernblocks nicht von den anderen unterscheiden. Nimm eine andere Taste.</translation>
        </message>
        <message>
            <source>{median} ms, 99% below {highest} ms</source>
            <translation>{median} ms, 99 % unter {highest} ms</translation>
        </message>
        <message>
            <source>{name} cannot be a voice's name: names with this suffix are audio files.</source>
            <translation>{name} kann kein Stimmenname sein: Namen mit dieser Endung sind Audiodateien.</translation>
        </message>
        <message>
            <source>{name} cannot be a {kind}'s name: Windows reserves it for a device. Choose another.</source>
            <translation>{name} geht nicht als Name ({kind}): Windows hält ihn für ein Gerät frei. Wähle einen anderen.</translation>
        </message>
        <message>
            <source>{name} cannot be a {kind}'s name: use up to {count} letters, digits, spaces, dots, hyphens and underscores, with a letter or digit at both ends.</source>
            <translation>{name} geht nicht als Name ({kind}). Erlaubt sind bis zu {count} Buchstaben, Ziffern, Leerzeichen, Punkte, Binde- und Unterstriche, mit einem Buchstaben oder einer Ziffer an beiden Enden.</translation>
        </message>
        <message>
            <source>{name} comes with rtvc and cannot be replaced: choose another name for your preset.</source>
            <translation>{name} gehört zu rtvc und kann nicht ersetzt werden. Wähle einen anderen Namen für dein Preset.</translation>
        </message>
        <message>
            <source>{name} contains only {seconds} s of speech: the voice will be closer with {enough} s or more.</source>
            <translation>{name} enthält nur {seconds} s Sprache. Mit {enough} s oder mehr wird die Stimme ähnlicher.</translation>
        </message>
        <message>
            <source>{name} is ready.</source>
            <translation>{name} ist bereit.</translation>
        </message>
        <message>
            <source>{name} takes {share} of a processor core here.</source>
            <translation>{name} braucht hier {share} eines Prozessorkerns.</translation>
        </message>
        <message>
            <source>{name} was deleted.</source>
            <translation>{name} wurde gelöscht.</translation>
        </message>
        <message>
            <source>{name} was exported to {path}.</source>
            <translation>{name} wurde nach {path} exportiert.</translation>
        </message>
        <message>
            <source>{name}, changed</source>
            <translation>{name}, geändert</translation>
        </message>
        <message>
            <source>{number} Hz</source>
            <translation>{number} Hz</translation>
        </message>
        <message>
            <source>{number} dB</source>
            <translation>{number} dB</translation>
        </message>
        <message>
            <source>{number} ms</source>
            <translation>{number} ms</translation>
        </message>
        <message>
            <source>{number} ppm</source>
            <translation>{number} ppm</translation>
        </message>
        <message>
            <source>{number} s</source>
            <translation>{number} s</translation>
        </message>
        <message numerus="yes">
            <source>{number} semitones</source>
            <translation>
                <numerusform>{number} Halbton</numerusform>
                <numerusform>{number} Halbtöne</numerusform>
            </translation>
        </message>
        <message>
            <source>{number}%</source>
            <translation>{number} %</translation>
        </message>
        <message>
            <source>{output} receives silence.</source>
            <translation>An {output} geht Stille.</translation>
        </message>
        <message>
            <source>{parameter} of {effect}</source>
            <translation>{parameter}: {effect}</translation>
        </message>
        <message>
            <source>{path} already exists. Choose another name.</source>
            <translation>{path} gibt es schon. Wähle einen anderen Namen.</translation>
        </message>
        <message>
            <source>{path} cannot be deleted ({reason}): check its permissions.</source>
            <translation>{path} lässt sich nicht löschen ({reason}). Prüfe die Zugriffsrechte.</translation>
        </message>
        <message>
            <source>{path} cannot be read ({reason}), so the defaults are used and no change is saved. Repair or delete it, and start again.</source>
            <translation>{path} kann nicht gelesen werden ({reason}). Deshalb gelten die Voreinstellungen, und Änderungen werden nicht gespeichert. Repariere oder lösche die Datei und starte neu.</translation>
        </message>
        <message>
            <source>{path} cannot be read ({reason}).</source>
            <translation>{path} lässt sich nicht lesen ({reason}).</translation>
        </message>
        <message>
            <source>{path} cannot be read: replace the impulse response.</source>
            <translation>{path} kann nicht gelesen werden: Ersetze die Impulsantwort.</translation>
        </message>
        <message>
            <source>{path} contains no effects: {reason}.</source>
            <translation>{path} enthält keine Effekte: {reason}.</translation>
        </message>
        <message>
            <source>{path} contains no impulse response: it is silent or damaged.</source>
            <translation>{path} enthält keine Impulsantwort: Die Datei ist still oder beschädigt.</translation>
        </message>
        <message>
            <source>{path} contains no token: copy the server's token file again.</source>
            <translation>{path} enthält kein Token: Kopiere die Token-Datei des Servers noch einmal.</translation>
        </message>
        <message>
            <source>{path} lasts longer than {minutes} min: choose a shorter clip.</source>
            <translation>{path} dauert länger als {minutes} min: Wähle einen kürzeren Clip.</translation>
        </message>
        <message>
            <source>{path} lasts longer than {seconds} s: shorten the impulse response.</source>
            <translation>{path} ist länger als {seconds} s: Kürze die Impulsantwort.</translation>
        </message>
        <message>
            <source>{path}: cannot be read ({reason})</source>
            <translation>{path}: ist nicht lesbar ({reason})</translation>
        </message>
        <message>
            <source>{path}: cannot be written ({reason}).</source>
            <translation>{path}: lässt sich nicht schreiben ({reason}).</translation>
        </message>
        <message>
            <source>{path}: cannot be written ({reason}). Name another output.</source>
            <translation>{path}: kann nicht geschrieben werden ({reason}). Wähle ein anderes Ziel.</translation>
        </message>
        <message>
            <source>{path}: contains no clips ({formats}).</source>
            <translation>{path}: enthält keine Clips ({formats}).</translation>
        </message>
        <message>
            <source>{path}: contains {error}; a voice needs at least {least} s, better 5 s.</source>
            <translation>{path}: enthält {error}; eine Stimme braucht mindestens {least} s, besser 5 s.</translation>
        </message>
        <message>
            <source>{path}: is not a voice that can be imported: {reason}.</source>
            <translation>{path}: ist keine Stimme, die sich importieren lässt: {reason}.</translation>
        </message>
        <message>
            <source>{path}: the token cannot be read ({reason}).</source>
            <translation>{path}: Das Token lässt sich nicht lesen ({reason}).</translation>
        </message>
        <message>
            <source>{path}: {error}</source>
            <translation>{path}: {error}</translation>
        </message>
        <message>
            <source>{programs} can hear you through “{microphone}”.</source>
            <translation>{programs} kann dich über „{microphone}“ hören.</translation>
        </message>
        <message>
            <source>{seconds} s of speech</source>
            <translation>{seconds} s Sprache</translation>
        </message>
        <message>
            <source>{seconds} s of speech so far</source>
            <translation>Bisher {seconds} s Sprache</translation>
        </message>
        <message>
            <source>{sentence} ({level})</source>
            <translation>{sentence} ({level})</translation>
        </message>
        <message>
            <source>{share} of a processor core</source>
            <translation>{share} eines Prozessorkerns</translation>
        </message>
        <message>
            <source>{share} of test recordings</source>
            <translation>{share} der Testaufnahmen</translation>
        </message>
        <message>
            <source>{size} MB</source>
            <translation>{size} MB</translation>
        </message>
        <message>
            <source>{url} does not answer: check the address, and that `rtvc serve` runs.</source>
            <translation>{url} antwortet nicht: Prüfe die Adresse und ob dort „rtvc serve“ läuft.</translation>
        </message>
        <message>
            <source>{url} is not a server's address: write it as https://HOST:8788.</source>
            <translation>{url} ist kein Server: Schreibe ihn als https://HOST:8788.</translation>
        </message>
        <message>
            <source>{url} is not encrypted: a server on another computer needs https.</source>
            <translation>{url} ist nicht verschlüsselt: Ein Server auf einem anderen Computer braucht https.</translation>
        </message>
        <message>
            <source>“{microphone}” is ready.</source>
            <translation>„{microphone}“ ist bereit.</translation>
        </message>
    </context>
</TS>
