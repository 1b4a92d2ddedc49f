//! Metrics as text: what was counted and measured, in OpenMetrics.
//!
//! Start at [`render`]. Families are made anew at each scrape, from what the parts of the gateway say of themselves;
//! nothing here counts. Names, units, escaping and the end mark are `prometheus-client`'s.
//!
//! Source: OpenMetrics 1.0, "Text format".

#[cfg(test)]
mod tests;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

/// The media type of what [`render`] makes.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What every name starts with.
const PREFIX: &str = "portcullis";

/// The labels of one sample: name and value. A family's samples all have the same names.
pub type Labels = Vec<(&'static str, String)>;

/// Samples of one kind under one name.
///
/// The name is written without `portcullis_` in front, without its unit behind, and for counters without `_total`.
#[derive(Clone, Debug)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    samples: Samples,
}

#[derive(Clone, Debug)]
enum Samples {
    Counter(Vec<(Labels, u64)>),
    Gauge(Vec<(Labels, f64)>),
    Info(Labels),
}

impl Family {
    /// What only goes up, from the start of the process.
    ///
    /// - `help`: what it counts, on one line.
    pub fn counter(
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, u64)>,
    ) -> Self {
        Self { name, help, unit: None, samples: Samples::Counter(samples.into_iter().collect()) }
    }

    /// What goes up and down.
    pub fn gauge(
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) -> Self {
        Self { name, help, unit: None, samples: Samples::Gauge(samples.into_iter().collect()) }
    }

    /// What does not change while the process runs: all of it is in the labels.
    #[must_use]
    pub const fn info(name: &'static str, help: &'static str, labels: Labels) -> Self {
        Self { name, help, unit: None, samples: Samples::Info(labels) }
    }

    /// The same, measured in seconds.
    #[must_use]
    pub fn in_seconds(self) -> Self {
        Self { unit: Some(Unit::Seconds), ..self }
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let kind = match &self.samples {
            Samples::Counter(_) => MetricType::Counter,
            Samples::Gauge(_) => MetricType::Gauge,
            Samples::Info(_) => MetricType::Info,
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), kind)?;
        match &self.samples {
            Samples::Counter(samples) => each(&mut metric, samples, |mut metric, value| {
                metric.encode_counter::<NoLabelSet, _, u64>(value, None)
            }),
            Samples::Gauge(samples) => {
                each(&mut metric, samples, |mut metric, value| metric.encode_gauge(value))
            }
            Samples::Info(labels) => metric.encode_info(labels),
        }
    }
}

/// Encodes each sample under its labels. Without labels there are no braces either.
fn each<V>(
    metric: &mut MetricEncoder<'_>,
    samples: &[(Labels, V)],
    encode: impl Fn(MetricEncoder<'_>, &V) -> fmt::Result,
) -> fmt::Result {
    samples.iter().try_for_each(|(labels, value)| encode(metric.encode_family(labels)?, value))
}

/// The families as one page, its end mark included.
#[must_use]
pub fn render(families: Vec<Family>) -> String {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Page(families)));
    let mut page = String::new();
    text::encode(&mut page, &registry).expect("writing to a string does not fail");
    page
}

#[derive(Debug)]
struct Page(Vec<Family>);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| family.encode(&mut encoder))
    }
}
