//! The moment of a signature, as AWS writes it.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

use crate::error::SignError;
use crate::request::ClockOffset;

/// A UTC second, written once as `yyyymmddThhmmssZ`.
pub(crate) struct Moment {
    /// The same second for the key derivation.
    pub(crate) time: SystemTime,
    text: String,
}

impl Moment {
    /// The moment that is `offset` from `at`.
    ///
    /// # Errors
    /// [`SignError::Time`] outside the years 1970 to 9999, which the format cannot write.
    pub(crate) fn new(at: SystemTime, offset: ClockOffset) -> Result<Self, SignError> {
        let distance = Duration::from_secs(offset.seconds().unsigned_abs());
        let shifted = if offset.seconds() < 0 { at.checked_sub(distance) } else { at.checked_add(distance) };
        let time = shifted.ok_or(SignError::Time)?;
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| SignError::Time)?.as_secs();
        let seconds = i64::try_from(seconds).map_err(|_| SignError::Time)?;
        let utc = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| SignError::Time)?;
        Ok(Self { time, text: write(utc) })
    }

    /// `yyyymmddThhmmssZ`.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// `yyyymmdd`.
    pub(crate) fn day(&self) -> &str {
        &self.text[..8]
    }

    /// `yyyymmddThhmmssZ`, to keep.
    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

/// By hand rather than through a format description: it is on the way of every request.
fn write(utc: OffsetDateTime) -> String {
    let mut text = String::with_capacity("yyyymmddThhmmssZ".len());
    let two = |text: &mut String, value: u8| {
        text.push(char::from(b'0' + value / 10));
        text.push(char::from(b'0' + value % 10));
    };
    let year = utc.year().unsigned_abs();
    two(&mut text, (year / 100) as u8);
    two(&mut text, (year % 100) as u8);
    two(&mut text, utc.month().into());
    two(&mut text, utc.day());
    text.push('T');
    let (hour, minute, second) = utc.to_hms();
    for value in [hour, minute, second] {
        two(&mut text, value);
    }
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(epoch: u64, offset: i64, expect: Result<&str, SignError>) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
        let moment = Moment::new(at, ClockOffset::from_seconds(offset));
        assert_eq!(moment.map(Moment::into_string), expect.map(String::from), "{epoch} {offset}");
    }

    #[test]
    fn seconds_are_written_as_aws_writes_them() {
        check(0, 0, Ok("19700101T000000Z"));
        check(1_440_938_160, 0, Ok("20150830T123600Z"));
        check(951_827_696, 0, Ok("20000229T123456Z"));
        check(253_402_300_799, 0, Ok("99991231T235959Z"));
    }

    #[test]
    fn the_offset_moves_the_day_too() {
        check(86_399, 1, Ok("19700102T000000Z"));
        check(86_400, -1, Ok("19700101T235959Z"));
    }

    #[test]
    fn what_the_format_cannot_write_is_refused() {
        check(253_402_300_800, 0, Err(SignError::Time));
        check(0, -1, Err(SignError::Time));
        check(0, i64::MAX, Err(SignError::Time));
        check(0, i64::MIN, Err(SignError::Time));
    }

    #[test]
    fn an_offset_is_the_distance_between_two_clocks() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(ClockOffset::between(at(1000), at(400)).seconds(), -600);
        assert_eq!(ClockOffset::between(at(400), at(1000)).seconds(), 600);
    }
}
