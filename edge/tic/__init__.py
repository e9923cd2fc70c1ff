"""Decodes the meter's TIC output: bytes to checked groups.

Other packages use `frame` (the decoded frames), `decoder.Decoder` (bytes to frames), `consistency`
(checks over several frames), `source` and `serial_line` (where bytes come from), `views` (unpacked
groups), `labels` and `groups.encode_group` (values to bytes), and `quality`.
`board` sets a Raspberry Pi up so that its line can be read; `repeater` hands the line's bytes on.
"""
