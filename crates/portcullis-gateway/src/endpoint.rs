//! Where the upstream is: computed from a region, or set by the operator. Never a caller's to choose.

use std::sync::Arc;

use portcullis_types::Region;
use reqwest::Url;

/// Where requests go.
#[derive(Clone, Debug)]
pub enum UpstreamBase {
    /// To `https://aws-external-anthropic.{region}.api.aws`, by the integration's region.
    ByRegion,
    /// To this address for every region: a private endpoint, or an emulator. The region still signs.
    Fixed(Arc<Endpoint>),
}

/// Why a text is no base address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// It is no URL.
    #[error("is not a URL such as `https://vpce-1.example.com`")]
    NotAUrl,
    /// Neither http nor https.
    #[error("must start with `https://` or `http://`")]
    Scheme,
    /// It has a path, a query, or a user's name in it.
    #[error("must be an origin alone: no path, query, fragment or user name")]
    NotAnOrigin,
}

/// An origin, and the host text that is signed.
#[derive(Debug)]
pub struct Endpoint {
    /// The `host` header as it goes out: with the port when it is not the scheme's own.
    pub(crate) host: String,
    origin: Url,
}

impl std::str::FromStr for UpstreamBase {
    type Err = InvalidBaseUrl;

    fn from_str(raw: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(raw).map_err(|_| InvalidBaseUrl::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidBaseUrl::Scheme);
        }
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidBaseUrl::NotAnOrigin);
        }
        Endpoint::of(url).map(|endpoint| Self::Fixed(Arc::new(endpoint)))
    }
}

impl Endpoint {
    fn of(origin: Url) -> Result<Self, InvalidBaseUrl> {
        let name = origin.host_str().ok_or(InvalidBaseUrl::NotAUrl)?;
        let host = match origin.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        Ok(Self { host, origin })
    }

    pub(crate) fn of_region(region: &Region) -> Self {
        let url = format!("https://aws-external-anthropic.{region}.api.aws/");
        let url = Url::parse(&url).expect("a region is letters, digits and dashes");
        Self::of(url).expect("the URL has a host")
    }

    /// The address of a path of ours below this origin.
    pub(crate) fn url(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.origin.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_comes_from_the_region_or_the_operator() {
        let endpoint = Endpoint::of_region(&"eu-central-1".parse().unwrap());
        assert_eq!(endpoint.host, "aws-external-anthropic.eu-central-1.api.aws");
        assert_eq!(
            endpoint.url("/v1/messages", Some("beta=true")).as_str(),
            "https://aws-external-anthropic.eu-central-1.api.aws/v1/messages?beta=true"
        );
        let UpstreamBase::Fixed(fixed) = "http://127.0.0.1:8080".parse().unwrap() else {
            panic!("a fixed base")
        };
        assert_eq!(fixed.host, "127.0.0.1:8080");
    }

    #[test]
    fn a_base_is_an_origin_and_nothing_more() {
        let check = |raw: &str, why: InvalidBaseUrl| {
            assert_eq!(raw.parse::<UpstreamBase>().err(), Some(why), "{raw}")
        };
        check("", InvalidBaseUrl::NotAUrl);
        check("ftp://example.com", InvalidBaseUrl::Scheme);
        check("https://example.com/v1", InvalidBaseUrl::NotAnOrigin);
        check("https://user:pw@example.com", InvalidBaseUrl::NotAnOrigin);
        check("https://example.com?x=1", InvalidBaseUrl::NotAnOrigin);
    }
}
