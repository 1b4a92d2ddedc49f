//! Reads the fields of a JSON object (or of a query) by name, each exactly once, and refuses what is left over.
//!
//! Start at [`Fields`]. A derived `Deserialize` was refused here: it stops at the first problem, cannot tell an absent
//! field from `null`, and names a field but not the path to it.

pub(crate) mod read;

use serde_json::{Map, Value};

use crate::problem::{ProblemCode, Problems, echo};

/// What a reader in [`read`] makes of one value, or why it cannot.
pub(crate) type Reading<T> = Result<T, Misread>;

/// Why a value is not what a field wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misread {
    /// What kind of problem it is.
    pub(crate) code: ProblemCode,
    /// A fragment that follows the field's name: `must be a string`.
    pub(crate) message: String,
}

/// What a change says about one field: nothing, remove it, or a new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// The field is absent.
    #[default]
    Keep,
    /// The field is `null`.
    Clear,
    /// The field has a value.
    Set(T),
}

impl<T> Change<T> {
    /// As the catalog's patches say it: `None` keeps, `Some(None)` clears.
    pub(crate) fn into_patch(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }

    /// The value after the change, of a field whose absence is a value of its own.
    pub(crate) fn applied_to(self, present: &T, cleared: T) -> T
    where
        T: Clone,
    {
        match self {
            Self::Keep => present.clone(),
            Self::Clear => cleared,
            Self::Set(value) => value,
        }
    }
}

/// The not yet read fields of one object. They may hold secrets, so there is no `Debug`.
pub(crate) struct Fields<'p> {
    path: String,
    object: Map<String, Value>,
    problems: &'p mut Problems,
}

impl<'p> Fields<'p> {
    /// The fields of a whole body or query.
    pub(crate) fn new(object: Map<String, Value>, problems: &'p mut Problems) -> Self {
        Self { path: String::new(), object, problems }
    }

    /// The value of a field that must be there. `None` once a problem is noted.
    ///
    /// - `names`: the spellings that are accepted, the documented one first.
    pub(crate) fn required<T>(
        &mut self,
        names: &[&str],
        reader: impl FnOnce(Value) -> Reading<T>,
    ) -> Option<T> {
        match self.take(names) {
            None => self.report(names[0], ProblemCode::MissingField, "is missing"),
            Some((name, Value::Null)) => {
                self.report(&name, ProblemCode::MissingField, "must have a value, not null")
            }
            Some((name, value)) => self.read(&name, value, reader),
        }
    }

    /// The value of a field that may be absent or `null`.
    pub(crate) fn optional<T>(
        &mut self,
        names: &[&str],
        reader: impl FnOnce(Value) -> Reading<T>,
    ) -> Option<T> {
        let (name, value) = self.take(names).filter(|(_, value)| !value.is_null())?;
        self.read(&name, value, reader)
    }

    /// What a change says of a field that may be cleared.
    pub(crate) fn change<T>(
        &mut self,
        names: &[&str],
        reader: impl FnOnce(Value) -> Reading<T>,
    ) -> Change<T> {
        match self.take(names) {
            None => Change::Keep,
            Some((_, Value::Null)) => Change::Clear,
            Some((name, value)) => self.read(&name, value, reader).map_or(Change::Keep, Change::Set),
        }
    }

    /// The new value of a field that always has one, when a change gives it.
    pub(crate) fn replace<T>(
        &mut self,
        names: &[&str],
        reader: impl FnOnce(Value) -> Reading<T>,
    ) -> Option<T> {
        let (name, value) = self.take(names)?;
        if value.is_null() {
            return self.report(&name, ProblemCode::InvalidValue, "cannot be cleared");
        }
        self.read(&name, value, reader)
    }

    /// The fields of a nested object, for `inner` to read. Absent and `null` are the same here.
    pub(crate) fn nested<T>(&mut self, name: &str, inner: impl FnOnce(Fields<'_>) -> Option<T>) -> Option<T> {
        let (_, value) = self.take(&[name]).filter(|(_, value)| !value.is_null())?;
        let path = self.path_of(name);
        match value {
            Value::Object(object) => inner(Fields { path, object, problems: self.problems }),
            other => {
                let message = format!("must be an object, not {}", read::type_name(&other));
                self.report(name, ProblemCode::InvalidType, &message)
            }
        }
    }

    /// The objects of a list, each for `inner` to read: what is wrong with one is told as `targets[0].region`. Absent and
    /// `null` are the same here.
    pub(crate) fn each<T>(
        &mut self,
        names: &[&str],
        mut inner: impl FnMut(Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let (name, value) = self.take(names).filter(|(_, value)| !value.is_null())?;
        let items = self.read(&name, value, |value| read::list(value, read::object))?;
        let path = self.path_of(&name);
        let mut read_one =
            |(n, object)| inner(Fields { path: format!("{path}[{n}]"), object, problems: self.problems });
        // Every one is read, so that every problem is told.
        let read: Vec<_> = items.into_iter().enumerate().map(&mut read_one).collect();
        read.into_iter().collect()
    }

    /// Every field of this object, whatever its name, for `reader` to read. `None` once a problem is noted.
    pub(crate) fn each_named<T>(mut self, reader: impl Fn(&str, Value) -> Reading<T>) -> Option<Vec<T>> {
        let fields = std::mem::take(&mut self.object);
        let mut read_one =
            |(name, value): (String, Value)| self.read(&echo(&name), value, |value| reader(&name, value));
        let read: Vec<_> = fields.into_iter().map(&mut read_one).collect();
        read.into_iter().collect()
    }

    /// Refuses the named fields unless they are absent, `null` or empty: they say nothing then.
    ///
    /// - `reason`: a fragment that follows the field's name.
    pub(crate) fn refuse(&mut self, names: &[&str], code: ProblemCode, reason: &str) {
        for name in names {
            if let Some((name, value)) = self.take(&[name])
                && !says_nothing(&value)
            {
                self.report::<()>(&name, code, reason);
            }
        }
    }

    /// Whether a field, under any of its names, is there and not `null`. Does not read it.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.object.get(*name).is_some_and(|value| !value.is_null()))
    }

    /// Whether a field, under any of its names, is there at all. Does not read it.
    pub(crate) fn names(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.object.contains_key(*name))
    }

    /// How many problems are noted so far, of the whole body.
    pub(crate) fn n_problems(&self) -> usize {
        self.problems.as_slice().len()
    }

    /// Notes a problem with a field of this object. Always `None`, so that a reader can end with it.
    pub(crate) fn report<T>(&mut self, name: &str, code: ProblemCode, message: &str) -> Option<T> {
        let path = self.path_of(name);
        self.problems.add(path, code, message);
        None
    }

    /// Ends the reading where nothing can be said of the rest.
    pub(crate) fn skip_rest(&mut self) {
        self.object.clear();
    }

    /// Ends the reading: whatever nobody asked for is unknown.
    pub(crate) fn finish(mut self) {
        for (name, _) in std::mem::take(&mut self.object) {
            self.report::<()>(&echo(&name), ProblemCode::UnknownField, "is not a field of this request");
        }
    }

    fn read<T>(&mut self, name: &str, value: Value, reader: impl FnOnce(Value) -> Reading<T>) -> Option<T> {
        reader(value).map_err(|why| self.report::<()>(name, why.code, &why.message)).ok()
    }

    /// Takes the field out, under whichever of its names it has; under two it contradicts itself.
    fn take(&mut self, names: &[&str]) -> Option<(String, Value)> {
        let mut found: Option<(String, Value)> = None;
        for name in names {
            let Some(value) = self.object.shift_remove(*name) else { continue };
            match &found {
                None => found = Some(((*name).to_owned(), value)),
                Some((first, _)) => {
                    let message = format!("is the same field as `{first}`: give one of them");
                    self.report::<()>(name, ProblemCode::ConflictingFields, &message);
                }
            }
        }
        found
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
