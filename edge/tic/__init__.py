"""The meter's TIC output: bytes to checked groups, and nothing else.

For others: `frame` (what is handed on), `decoder.Decoder` (bytes to frames), `consistency`
(what one frame cannot tell), `source` and `serial_line` (where bytes come from), `views` (packed
groups taken apart), `labels` and `groups.encode_group` (the way back), `quality`.
"""
