//! The partitions of AWS: worlds of their own, in which no role of another can be assumed.

use portcullis_types::Region;

/// The partition of a region, by the region's prefix. What is not known belongs to `aws`, as new regions do.
pub(super) fn of_region(region: &Region) -> &'static str {
    const PREFIXES: &[(&str, &str)] = &[
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    let of_prefix = PREFIXES.iter().find(|(prefix, _)| region.as_str().starts_with(prefix));
    of_prefix.map_or("aws", |(_, partition)| partition)
}
