/// One import for programs that embed Antiphon: sound files, the codec, the dialogue model and the loop that joins them.
@_exported public import AudioIO
@_exported public import Base
@_exported public import Codec
@_exported public import Dialogue
@_exported public import Runtime
