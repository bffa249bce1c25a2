"""Getting FMA: its archives downloaded, checked and unpacked, and its mp3s as wavs if wanted."""
