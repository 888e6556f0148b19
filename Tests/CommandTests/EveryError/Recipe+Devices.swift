extension Recipe {
  private static let cards = "export ALSA_CONFIG_PATH=$alsa/cards.conf;"
  private static let none = "export ALSA_CONFIG_PATH=$alsa/none.conf; mkdir snd;"
  /// `latency` asks for the loudspeaker first.
  private static func refused(_ name: String, _ code: String, microphone: Bool = false) -> String {
    "\(cards) failing device \(name) $\(code) $antiphon latency "
      + (microphone ? "--output clocked --input \(name)" : "--output \(name) --input clocked")
  }

  static let devices = [
    Recipe(
      "There is no sound card here: the system shows none in /dev/snd.",
      "\(none) FAULT_CARDS=snd LD_PRELOAD=$faults $antiphon latency"),
    Recipe(
      "There is a sound card, but this user may not open '/dev/snd/pcmC0D0c'.",
      "\(none) touch snd/pcmC0D0p; FAULT_CARDS=snd failing cards pcmC0D0 $EACCES $antiphon latency"),
    Recipe(
      "There are sound cards, but no loudspeaker among them that can be opened.",
      "\(none) touch snd/pcmC0D0c; FAULT_CARDS=snd LD_PRELOAD=$faults $antiphon latency"),
    Recipe(
      "No microphone is called 'yeti', and none has that in its name.",
      "\(cards) $antiphon latency --output clocked --input nobody"),
    Recipe("'usb' matches 2 microphones.", "\(cards) $antiphon latency --output clocked --input usb"),
    Recipe(
      "The loudspeaker 'hw:CARD=PCH,DEV=0' cannot be opened: Device or resource busy.",
      refused("hw:0", "EBUSY")),
    Recipe(
      "The microphone 'hw:CARD=PCH,DEV=0' cannot be opened: Permission denied.",
      refused("hw:0", "EACCES", microphone: true)),
    Recipe(
      "The loudspeaker 'default' belongs to a sound server that does not answer: PulseAudio, or PipeWire in its place.",
      refused("default", "ECONNREFUSED")),
    Recipe(
      "The loudspeaker 'default' belongs to a sound server that does not answer: PULSE_SERVER is 'unix:/tmp/pulse'.",
      "export PULSE_SERVER=unix:/tmp/pulse;" + refused("default", "ECONNREFUSED")),
    Recipe(
      "The microphone 'default' belongs to a sound server that does not answer: PipeWire is down.",
      refused("default", "EHOSTDOWN", microphone: true)),
    Recipe(
      "The loudspeaker 'default' leads to a sound server, and ALSA's plugin for it cannot be loaded.",
      "\(cards) $antiphon latency --output lost --input clocked"),
    Recipe(
      "The loudspeaker 'null' has no clock: its sound moves faster than time passes.",
      "\(cards) $antiphon latency --output null --input clocked"),
    Recipe(
      "The microphone 'hw:CARD=Yeti,DEV=0' claims to run, but moves no sound.",
      "\(cards) CARD_IS_DEAD=1 $antiphon latency --output clocked --input clocked"),
    Recipe(
      "The microphone 'hw:CARD=Yeti,DEV=0' does not answer: a call of its driver, or its server, does not return.",
      """
      mkfifo pipe; echo 'pcm.hang { type file slave.pcm null file "/dev/null" infile "'$PWD'/pipe" format raw }' >>cards.conf
      \(cards) $antiphon latency --output clocked --input hang
      """),
    Recipe("The loudspeaker 'default' cannot be opened: No such device.", refused("default", "ENODEV")),
    Recipe(
      "The microphone 'hw:CARD=PCH,DEV=0' has no format that can be used.",
      "\(cards) $antiphon latency --output clocked --input telephone"),
  ]
}
