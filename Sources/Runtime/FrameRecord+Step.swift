internal import Dialogue
internal import Latency

extension FrameRecord {
  /// Fills one frame's row of the log, for files and for live sound alike.
  ///
  /// - Parameters:
  ///   - frame: number of the frame in its session, from 0.
  ///   - step: the results of the step; its times are relative to the run's epoch.
  ///   - heard: the person's samples.
  ///   - said: the reply's samples.
  init(
    frame: Int, _ capture: Capture, _ step: Conversation.Step, _ delivery: Delivery, heard: Span<Float>,
    said: Span<Float>
  ) {
    self.init()
    self.frame = Int64(frame)
    (captured, capturedHardware, userSampleEnd) = (capture.complete, capture.hardware, capture.lastSample)
    (encodeStart, encodeEnd, decodeEnd) = (step.encodeStart, step.encodeEnd, step.decodeEnd)
    userSemantic = Int64(step.userSemantic)
    ownSemantic = step.isReady ? Int64(step.ownSemantic) : nil
    source = step.isReady ? .backbone : .silence
    if let dialogue = step.dialogue {
      if step.isReady, dialogue.draftDepth > 0 || step.isConcealed {
        source = step.isConcealed ? .conceal : .draft
      }
      (block, draftDepth) = (Int64(dialogue.positions), Int64(dialogue.draftDepth))
      (regretText, regretSemantic, regretAcoustic) = (
        dialogue.regret.text, dialogue.regret.semantic, dialogue.regret.acoustic
      )
      if dialogue.draftEnd > 0 { draftEnd = dialogue.draftEnd }
      stepStart = step.encodeEnd
      (backboneEnd, textEnd, depthEnd) = (
        dialogue.times.backbone, dialogue.times.text, dialogue.times.depth
      )
      textID = Int64(dialogue.text)
      textIsPadding = dialogue.isPadding
      paddingProbability = dialogue.paddingProbability
      (cacheFrames, cacheBytes) = (Int64(step.cache.frames), Int64(step.cache.bytes))
      weightBytes = Int64(step.weightBytes)
    } else {
      // Without a dialogue model no text is ever said.
      textIsPadding = true
    }
    (written, deadline, played) = (delivery.written, delivery.deadline, delivery.played)
    playbackDelaySamples = delivery.delaySamples
    (userLoudness, ownLoudness) = (Loudness(heard), Loudness(said))
  }
}
