//! A small signing client of the tests' own, and an emulator whose clock stands still until moved.

use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use portcullis_emulator::world::{
    EXTERNAL_ID, GATEWAY_ACCESS_KEY_ID, GATEWAY_SECRET_ACCESS_KEY, REGION, ROLE_ARN, WORKSPACE_ID,
    full_access,
};
use portcullis_emulator::{Clock, Emulator, EmulatorHandle, ManualClock, SERVICE, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl Keys {
    pub(crate) fn gateway() -> Self {
        Self { id: GATEWAY_ACCESS_KEY_ID.into(), secret: GATEWAY_SECRET_ACCESS_KEY.into(), token: None }
    }
}

pub(crate) struct Lab {
    pub(crate) emulator: EmulatorHandle,
    pub(crate) clock: ManualClock,
    now: Clock,
    pub(crate) http: reqwest::Client,
}

/// One request, before it is signed.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) region: String,
    pub(crate) service: &'static str,
    pub(crate) unsigned: Vec<&'static str>,
}

impl Call {
    pub(crate) fn messages(body: &Value) -> Self {
        Self::platform("POST", "/v1/messages", body.to_string())
    }

    pub(crate) fn platform(method: &'static str, target: &str, body: String) -> Self {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("anthropic-version", "2023-06-01".to_owned()),
            ("anthropic-workspace-id", WORKSPACE_ID.to_owned()),
        ];
        let (region, unsigned) = (REGION.to_owned(), Vec::new());
        Self { method, target: target.to_owned(), headers, body, region, service: SERVICE, unsigned }
    }

    /// An upload. A part with a file name is a file.
    pub(crate) fn multipart(target: &str, parts: &[(&str, Option<&str>, &str)]) -> Self {
        let part = |(name, filename, content): &(&str, Option<&str>, &str)| {
            let file = filename.map(|name| format!("; filename=\"{name}\"\r\nContent-Type: text/plain"));
            let file = file.unwrap_or_default();
            format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n")
        };
        let body = parts.iter().map(part).collect::<String>() + "--limit--\r\n";
        Self::platform("POST", target, body).with("content-type", "multipart/form-data; boundary=limit")
    }

    /// A request without a body.
    pub(crate) fn get(target: &str) -> Self {
        Self::platform("GET", target, String::new())
    }

    pub(crate) fn sts(parameters: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let headers = vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())];
        let body = format!("{}&Version=2011-06-15", pairs.join("&"));
        let (region, unsigned) = ("us-east-1".to_owned(), Vec::new());
        Self { method: "POST", target: "/".into(), headers, body, region, service: "sts", unsigned }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// One more line of a header that is there already.
    pub(crate) fn and(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(candidate, _)| *candidate != name);
        self
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::with_world(World::example()).await
    }

    pub(crate) async fn with_world(world: World) -> Self {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800);
        let (now, clock) = Clock::manual(start);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let emulator = Emulator::builder().world(world).clock(now.clone()).build().spawn(listener).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { emulator, clock, now, http }
    }

    pub(crate) fn signed(&self, call: &Call, keys: &Keys) -> reqwest::RequestBuilder {
        let moment = OffsetDateTime::from(self.now.now());
        let stamp = moment.format(format_description!("[year][month][day]T[hour][minute][second]Z")).unwrap();
        let mut headers = call.headers.clone();
        headers.push(("host", self.emulator.addr.to_string()));
        headers.push(("x-amz-date", stamp.clone()));
        headers.extend(keys.token.clone().map(|token| ("x-amz-security-token", token)));
        // Stable: of a name that comes twice the values keep their order.
        headers.sort_by_key(|(name, _)| *name);
        let signed: Vec<_> = headers.iter().filter(|(name, _)| !call.unsigned.contains(name)).collect();
        let mut names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        names.dedup();
        let values_of = |name: &str| {
            let values = signed.iter().filter(|(other, _)| *other == name).map(|(_, value)| value.as_str());
            values.collect::<Vec<_>>().join(",")
        };
        let lines: String = names.iter().map(|name| format!("{name}:{}\n", values_of(name))).collect();
        let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_unstable();
        let canonical = format!(
            "{}\n{path}\n{}\n{lines}\n{}\n{}",
            call.method,
            pairs.join("&"),
            names.join(";"),
            hex::encode(Sha256::digest(&call.body))
        );
        let scope = format!("{}/{}/{}/aws4_request", &stamp[..8], call.region, call.service);
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
        let signature = hex::encode(sign(&keys.secret, &[&stamp[..8], &call.region, call.service], &to_sign));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
            keys.id,
            names.join(";")
        );
        let url = format!("{}{}", self.emulator.base_url(), call.target);
        let method = call.method.parse::<reqwest::Method>().unwrap();
        let mut request = self.http.request(method, url).header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(call.body.clone())
    }

    pub(crate) async fn send(&self, call: &Call, keys: &Keys) -> (u16, String) {
        let response = self.signed(call, keys).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Sends and reads the error's type and message.
    pub(crate) async fn refusal(&self, call: &Call, keys: &Keys) -> (u16, String, String) {
        let (status, body) = self.send(call, keys).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body}"));
        assert_eq!(body["type"], "error", "{body}");
        let text = |field: &str| body["error"][field].as_str().unwrap().to_owned();
        (status, text("type"), text("message"))
    }

    /// Sends, and reads the JSON of an answer that must be good.
    pub(crate) async fn json(&self, call: &Call, keys: &Keys) -> Value {
        let (status, body) = self.send(call, keys).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Sends what must be refused so, with this in the message.
    pub(crate) async fn refused(&self, call: &Call, keys: &Keys, status: u16, kind: &str, part: &str) {
        let (got, got_kind, message) = self.refusal(call, keys).await;
        assert_eq!((got, got_kind.as_str()), (status, kind), "{message}");
        assert!(message.contains(part), "`{message}` lacks `{part}`");
    }

    /// A session that may do everything on the platform.
    pub(crate) async fn able_session(&self) -> Keys {
        self.emulator.change_world(|world| {
            world.roles.get_mut("portcullis-claude").unwrap().permissions_policy = full_access();
        });
        self.session().await
    }

    pub(crate) async fn assume(&self, extra: &[(&str, &str)]) -> (u16, String) {
        self.send(&assume_role(extra), &Keys::gateway()).await
    }

    /// A session of the example role.
    pub(crate) async fn session(&self) -> Keys {
        self.session_with(&[]).await
    }

    pub(crate) async fn session_with(&self, extra: &[(&str, &str)]) -> Keys {
        let (status, body) = self.assume(&[&[("ExternalId", EXTERNAL_ID)], extra].concat()).await;
        assert_eq!(status, 200, "{body}");
        keys(&body)
    }
}

pub(crate) fn assume_role<'a>(extra: &[(&'a str, &'a str)]) -> Call {
    let mut parameters =
        vec![("Action", "AssumeRole"), ("RoleArn", ROLE_ARN), ("RoleSessionName", "pcs-team-one")];
    parameters.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    // Of a repeated name the last counts.
    for (index, (name, value)) in extra.iter().enumerate() {
        if *value != "(absent)" && !extra[index + 1..].iter().any(|(other, _)| other == name) {
            parameters.push((name, value));
        }
    }
    Call::sts(&parameters)
}

pub(crate) fn keys(xml: &str) -> Keys {
    Keys {
        id: element(xml, "AccessKeyId"),
        secret: element(xml, "SecretAccessKey"),
        token: Some(element(xml, "SessionToken")),
    }
}

pub(crate) fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}"));
    rest.split_once("</").unwrap().0.to_owned()
}

pub(crate) fn ask(text: &str) -> Value {
    json!({"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": text}]})
}

/// The signature of a text, in the scope of a day, a region and a service.
pub(crate) fn sign(secret: &str, scope: &[&str; 3], text: &str) -> Vec<u8> {
    let parts = scope.iter().chain(&["aws4_request"]);
    let key = parts.fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    mac(&key, text)
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
