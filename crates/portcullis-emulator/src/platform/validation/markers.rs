//! Markers for the prompt cache. Source: Claude docs, "Prompt caching".

use serde_json::Value;

use super::{Check, invalid};

const MOST: usize = 4;

/// At most four, and none that lasts an hour after one that lasts five minutes.
pub(super) fn check(body: &Value) -> Check {
    let mut markers = Vec::new();
    for field in ["tools", "system"] {
        collect(&body[field], &mut markers);
    }
    for message in body["messages"].as_array().into_iter().flatten() {
        for block in message["content"].as_array().into_iter().flatten() {
            collect(&block["content"], &mut markers);
            markers.extend(block.get("cache_control").filter(|marker| marker.is_object()));
        }
    }
    markers.extend(body.get("cache_control").filter(|marker| marker.is_object()));
    if markers.len() > MOST {
        return invalid(format!(
            "A maximum of {MOST} blocks with cache_control may be provided. Found {}.",
            markers.len()
        ));
    }
    let lasts_long = |marker: &&Value| marker["ttl"] == "1h";
    let first_short = markers.iter().position(|marker| !lasts_long(marker)).unwrap_or(markers.len());
    if markers[first_short..].iter().any(lasts_long) {
        return invalid(
            "cache_control.ttl: a `1h` cache_control block must not come after a `5m` cache_control block",
        );
    }
    Ok(())
}

fn collect<'a>(list: &'a Value, markers: &mut Vec<&'a Value>) {
    let items = list.as_array().into_iter().flatten();
    markers.extend(items.filter_map(|item| item.get("cache_control")).filter(|marker| marker.is_object()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn markers_are_few_and_the_long_ones_first() {
        let block = |ttl: &str| json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": ttl}});
        let body = |ttls: &[&str]| {
            let blocks: Vec<Value> = ttls.iter().map(|ttl| block(ttl)).collect();
            json!({"messages": [{"role": "user", "content": blocks}]})
        };
        assert!(check(&body(&["1h", "1h", "5m", "5m"])).is_ok());
        assert!(check(&body(&["5m"; 5])).unwrap_err().message.contains("Found 5"));
        assert!(check(&body(&["5m", "1h"])).unwrap_err().message.contains("must not come after"));
        let mut automatic = body(&["5m"; 4]);
        automatic["cache_control"] = json!({"type": "ephemeral"});
        assert!(check(&automatic).is_err(), "the marker of the whole request is one of them");
    }
}
