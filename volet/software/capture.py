"""What a meter sends, one frame of each mode, and what a decoder has to read in it."""

STANDARD = (
    b"\x02\nADSC\t041876543210\t6\r\nVTIC\t02\tJ\r\nDATE\tH260115083015\t\tA\r"
    b"\nNGTF\t     TEMPO      \tF\r\nLTARF\t    HP  BLEU    \t+\r\nEAST\t012345678\t3\r"
    b"\nEASF01\t004567890\tI\r\nEASF02\t007777788\tV\r\nEASD01\t012345678\tD\r\nIRMS1\t004\t2\r"
    b'\nURMS1\t231\t@\r\nPREF\t09\tH\r\nPCOUP\t09\t"\r\nSINSTS\t00912\tR\r'
    b"\nSMAXSN\tH260115073512\t04310\t6\r\nSTGE\t003A0001\t:\r\nPRM\t01234567890123\t4\r"
    b"\nRELAIS\t000\tB\r\nNTARF\t02\tO\r\nNJOURF\t00\t&\r\x03"
)
HISTORIQUE = (
    b"\x02\nADCO 041876543210 @\r\nOPTARIF HC.. <\r\nISOUSC 30 9\r\nHCHC 004567890 -\r"
    b"\nHCHP 007777788 F\r\nPTEC HP..  \r\nIINST 004 [\r\nIMAX 090 H\r\nPAPP 00912 -\r"
    b"\nHHPHC A ,\r\nMOTDETAT 000000 B\r\x03"
)
# For each: the number of groups, and the values of some.
READ = (
    (STANDARD, 20, {"EAST": "012345678", "SINSTS": "00912", "SMAXSN": "04310"}),
    (HISTORIQUE, 11, {"HCHC": "004567890", "HCHP": "007777788", "PAPP": "00912"}),
)
