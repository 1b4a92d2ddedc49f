//! A stream of bytes, cut as a network might.

/// Splits the fuzzer's input into what decides about the cuts, and the stream itself.
#[must_use]
pub fn seed_and_stream(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(seed, stream)| (*seed, stream))
}

/// The stream in chunks of 1 to 64 bytes, in an order that follows from the seed; seed 0 is a byte at a time.
pub fn cut(seed: u8, mut stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state = u32::from(seed);
    std::iter::from_fn(move || {
        if stream.is_empty() {
            return None;
        }
        // The constants of Numerical Recipes' generator; any that mix would do.
        state = state.wrapping_mul(1_664_525).wrapping_add(if seed == 0 { 0 } else { 1_013_904_223 });
        let length = 1 + (state >> 16) as usize % 64;
        let (chunk, rest) = stream.split_at(length.min(stream.len()));
        stream = rest;
        Some(chunk)
    })
}
