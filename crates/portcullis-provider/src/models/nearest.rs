//! The model to name to somebody who asked for one that is gone, or that never was.
//!
//! The order of preference: what the makers recommend instead; the same family and version, written differently
//! (`claude-sonnet-4.6`, `anthropic.claude-opus-4-8-v1:0`); the same family's newest; the least edit distance, for typing
//! errors. A retired model is never named.

use portcullis_types::ModelId;
use time::Date;

use super::lifecycle::Stage;
use super::row::Model;
use super::table::ModelTable;

impl ModelTable {
    /// The living model that comes nearest to an id; the model itself if it lives.
    ///
    /// None for an id that resembles no model at all.
    #[must_use]
    pub fn nearest_living(&self, model: &ModelId, today: Date) -> Option<&Model> {
        if let Some(row) = self.find(model) {
            let replaced = self.living_replacement(row, today);
            return replaced.or_else(|| self.newest_of(&row.family, today));
        }
        if let Some(row) = self.find_retired(model) {
            let recommended = row.recommended_replacement.as_deref().and_then(|id| self.row(id));
            let recommended = recommended.and_then(|row| self.living_replacement(row, today));
            return recommended.or_else(|| self.newest_of(&row.family, today));
        }
        let words = Words::of(model.as_str());
        let Some(family) = self.family_of(&words) else { return self.least_distance(model.as_str(), today) };
        let same_version =
            |row: &&Model| row.family == family && Words::of(&row.id).version() == words.version();
        self.living(today).find(same_version).or_else(|| self.newest_of(family, today))
    }

    /// The row itself while it lives, else the first living one along what is recommended instead.
    fn living_replacement<'t>(&'t self, row: &'t Model, today: Date) -> Option<&'t Model> {
        let next = |row: &&Model| self.row(row.lifecycle.recommended_replacement.as_deref()?);
        // As many steps as there are rows: two rows may recommend each other.
        let chain = std::iter::successors(Some(row), next).take(self.models.len());
        chain.into_iter().find(|row| row.lifecycle_on(today) != Stage::Retired)
    }

    fn row(&self, id: &str) -> Option<&Model> {
        self.models.iter().find(|row| row.id == id)
    }

    fn living(&self, today: Date) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(move |row| row.lifecycle_on(today) != Stage::Retired)
    }

    /// The family's newest model, a current one if there is any.
    fn newest_of(&self, family: &str, today: Date) -> Option<&Model> {
        let rank = |row: &&Model| (row.lifecycle_on(today) == Stage::Active, Words::of(&row.id).numbers);
        self.living(today).filter(|row| row.family == family).max_by_key(rank)
    }

    fn family_of(&self, words: &Words) -> Option<&str> {
        let families = self.models.iter().map(|row| row.family.as_str());
        families.into_iter().find(|family| words.letters.iter().any(|word| word == family))
    }

    /// Close enough for a typing error: a fifth of the id's length at most.
    fn least_distance(&self, id: &str, today: Date) -> Option<&Model> {
        let id: String = id.chars().take(64).flat_map(char::to_lowercase).collect();
        let measured = self.living(today).map(|row| (distance(&id, &row.id), row));
        let (least, row) = measured.min_by_key(|(distance, _)| *distance)?;
        (least <= row.id.len() / 5).then_some(row)
    }
}

/// An id taken apart: `claude-opus-4.6` is `claude`, `opus`, 4, 6.
struct Words {
    letters: Vec<String>,
    /// Neither dates nor what follows a `v1`.
    numbers: Vec<u64>,
}

impl Words {
    fn of(id: &str) -> Self {
        let mut words = Self { letters: Vec::new(), numbers: Vec::new() };
        let mut versioned = true;
        for part in id.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
            let is_number = part.bytes().all(|b| b.is_ascii_digit());
            versioned &= is_number || !part.starts_with('v');
            match part.parse() {
                Ok(number) if is_number && versioned && part.len() < 8 => words.numbers.push(number),
                _ if is_number => {}
                _ => words.letters.push(part.to_ascii_lowercase()),
            }
        }
        words
    }

    /// `4`, `6` and `46` are written for the same version.
    fn version(&self) -> String {
        self.numbers.iter().map(u64::to_string).collect()
    }
}

/// How many letters must be put in, taken out or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn nearest(id: &str, today: Date) -> Option<&'static str> {
        ModelTable::embedded().nearest_living(&id.parse().unwrap(), today).map(|row| row.id.as_str())
    }

    const TODAY: Date = date!(2026 - 11 - 25);

    #[test]
    fn a_living_model_is_its_own_nearest() {
        assert_eq!(nearest("claude-opus-4-8", TODAY), Some("claude-opus-4-8"));
        assert_eq!(nearest("claude-sonnet-4-5-20250929", TODAY), Some("claude-sonnet-4-5"));
    }

    #[test]
    fn a_retired_model_leads_to_what_is_recommended_or_its_familys_newest() {
        assert_eq!(nearest("claude-sonnet-4-5", date!(2027 - 01 - 01)), Some("claude-sonnet-5-5"));
        assert_eq!(nearest("claude-opus-4-1-20250805", TODAY), Some("claude-opus-5-5"));
        assert_eq!(nearest("claude-3-haiku-20240307", TODAY), Some("claude-haiku-5-5"));
        assert_eq!(nearest("claude-mythos-preview", TODAY), Some("claude-mythos-5-2"));
    }

    #[test]
    fn an_unknown_model_leads_to_the_one_that_was_meant() {
        let meant = [
            ("claude-sonnet-4.6", "claude-sonnet-4-6"),
            ("claude-4-6-sonnet", "claude-sonnet-4-6"),
            ("anthropic.claude-opus-4-8-v1:0", "claude-opus-4-8"),
            ("us.anthropic.claude-opus-4-6-20260205-v1:0", "claude-opus-4-6"),
            ("opus", "claude-opus-5-5"),
            ("claude-opus-9", "claude-opus-5-5"),
            ("claude-3-sonnet-20240229", "claude-sonnet-5-5"),
            ("claude-sonet-4-6", "claude-sonnet-4-6"),
            ("cluade-haiku5-5", "claude-haiku-5-5"),
        ];
        for (id, expect) in meant {
            assert_eq!(nearest(id, TODAY), Some(expect), "{id}");
        }
        assert_eq!(nearest("gpt-5.1", TODAY), None);
        assert_eq!(nearest("x", TODAY), None);
        assert_eq!(nearest(&"o".repeat(256), TODAY), None);
    }

    #[test]
    fn two_rows_that_recommend_each_other_lead_to_a_third() {
        let json = br#"{"models": [
            {"id": "claude-opus-4-6", "retires_at": "2026-01-01", "recommended_replacement": "claude-opus-4-7"},
            {"id": "claude-opus-4-7", "retires_at": "2026-01-01", "recommended_replacement": "claude-opus-4-6"}
        ]}"#;
        let table = ModelTable::with_overlay(json).unwrap();
        let row = table.nearest_living(&"claude-opus-4-6".parse().unwrap(), TODAY);
        assert_eq!(row.map(|row| row.id.as_str()), Some("claude-opus-5-5"));
    }
}
