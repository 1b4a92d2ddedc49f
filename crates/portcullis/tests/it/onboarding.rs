//! The commands around onboarding, from an empty AWS account to an integration that is proven: what one writes is what
//! the other needs.

use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis_emulator::world;
use serde_json::{Value, json};

use crate::process::{Said, portcullis, run};
use crate::stage::Stage;
use crate::wire::{ask, get, post};

/// A command of a person who administers the gateway of this stage.
fn administering(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = portcullis(stage.folder.path(), arguments);
    command.env("PORTCULLIS_URL", format!("http://{}", stage.gateway.address));
    command.env("PORTCULLIS_API_KEY", &stage.admin_key);
    command
}

fn succeeds(command: &mut Command) -> String {
    let said = run(command);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    said.stdout
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

/// What a set-up says, for a role of this name.
fn set_up(stage: &Stage, role: &str) -> Value {
    json_of(&succeeds(&mut administering(
        stage,
        &[
            "setup",
            "--region",
            world::REGION,
            "--workspace",
            world::WORKSPACE_ID,
            "--role-name",
            role,
            "--account-id",
            world::CUSTOMER_ACCOUNT,
            "--features",
            "full",
            "--json",
        ],
    )))
}

/// Makes the role in the emulated account as the artefacts say.
fn make_role(stage: &Stage, role: &str, setup: &Value) {
    let body = json!({
        "account": world::CUSTOMER_ACCOUNT,
        "trust_policy": setup["trust_policy"],
        "permissions_policy": setup["permission_policy"],
    });
    let request = post(&format!("/_emulator/roles/{role}"), "", &body).replacen("POST", "PUT", 1);
    let answer = ask(stage.emulator.address, request);
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn create(stage: &Stage, setup: &Value) -> String {
    let made = stage.administer("/v1/integrations", &setup["integrations"][0]);
    made["slug"].as_str().unwrap().to_owned()
}

#[test]
fn what_setup_makes_is_all_that_an_account_needs_and_verify_proves_it() {
    let stage = Stage::new(&[]);
    let setup = set_up(&stage, "onboarded");
    make_role(&stage, "onboarded", &setup);
    let slug = create(&stage, &setup);

    let text = succeeds(&mut administering(&stage, &["verify", &slug, "--inference"]));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("✓ ")).count(), 12, "{text}");
    assert!(lines[3].starts_with("✓ refused without external ID"), "{text}");
    assert_eq!(lines.last(), Some(&"verified"), "{text}");

    let lines = succeeds(&mut administering(&stage, &["verify", &slug, "--json"]));
    let objects: Vec<_> = lines.lines().map(json_of).collect();
    let steps: Vec<_> = objects.iter().filter(|object| object["duration_ms"].is_number()).collect();
    assert_eq!((steps.len(), &steps[11]["status"]), (12, &json!("skipped")), "{lines}");
    assert_eq!(objects.last().unwrap()["status"], "verified");

    let kept = ask(
        stage.gateway.address,
        get(&format!("/v1/integrations/{slug}/verification")).replacen(
            "\r\n",
            &format!("\r\nx-portkey-api-key: {}\r\n", stage.admin_key),
            1,
        ),
    );
    assert_eq!(kept.json()["status"], "verified");

    // For an integration that exists, the same artefacts again.
    let again = json_of(&succeeds(&mut administering(&stage, &["setup", "--integration", &slug, "--json"])));
    assert_eq!(again["trust_policy"], setup["trust_policy"]);
}

#[test]
fn a_role_without_the_condition_is_unsafe_and_ends_with_1() {
    let stage = Stage::new(&[]);
    let mut setup = set_up(&stage, "open");
    setup["trust_policy"]["Statement"][0].as_object_mut().unwrap().remove("Condition");
    make_role(&stage, "open", &setup);
    let slug = create(&stage, &setup);
    let Said { code, stdout, stderr } = run(&mut administering(&stage, &["verify", &slug]));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert!(stdout.contains("✗ refused without external ID"), "{stdout}");
    assert!(stdout.contains("    fix  ") && stdout.contains("sts:ExternalId"), "{stdout}");
    assert!(stdout.contains("unsafe: the role can be assumed without"), "{stdout}");
    assert_eq!(stderr, format!("portcullis: the integration `{slug}` is unsafe\n"));
}

#[test]
fn setup_writes_files_and_overwrites_none() {
    let stage = Stage::new(&[]);
    let arguments = [
        "setup",
        "--target",
        "us-west-2=wrkspc_01AbC=West",
        "--target",
        "eu-west-1=wrkspc_02DeF",
        "--role-name",
        "claude",
        "--out",
        "aws",
    ];
    let text = succeeds(&mut administering(&stage, &arguments));
    assert!(text.contains("Next steps") && text.contains("Written into aws: trust-policy.json"), "{text}");
    let folder = stage.folder.path().join("aws");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let trust = json_of(&read("trust-policy.json"));
    let ids =
        trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 2);
    for name in ["setup.sh", "template.yaml", "main.tf", "integrations.json"] {
        let content = read(name);
        assert!(ids.iter().all(|id| content.contains(id.as_str().unwrap())), "{name}: {content}");
    }
    assert!(read("permission-policy.json").contains("CreateInference"));
    assert!(is_executable(&folder.join("setup.sh")) && !is_executable(&folder.join("main.tf")));

    let said = run(&mut administering(&stage, &arguments));
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("trust-policy.json exists; nothing is overwritten"), "{}", said.stderr);
    assert_eq!(json_of(&read("trust-policy.json")), trust);
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o100 != 0
}

#[test]
fn setup_prints_a_readable_whole() {
    let stage = Stage::new(&[]);
    let arguments =
        ["setup", "--region", "us-west-2", "--workspace", "wrkspc_01AbC", "--role-name", "portcullis-claude"];
    let text = succeeds(&mut administering(&stage, &arguments));
    for part in [
        "External IDs\n  us-west-2  wrkspc_01AbC  pcs-",
        "\nNext steps\n  1. ",
        "\nNotes\n",
        "──── main.tf ────",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_cannot_be_done_for_want_of_something_is_said_with_exit_code_2() {
    let stage = Stage::new(&[]);
    let usage = |command: &mut Command, says: &str| {
        let said = run(command);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{}", said.stderr);
        assert!(said.stderr.contains(says), "{}", said.stderr);
    };
    usage(
        &mut administering(&stage, &["setup"]),
        "missing: --region and --workspace (or --target), --role-name",
    );
    usage(&mut administering(&stage, &["setup", "--region", "us-west-2"]), "--workspace");
    usage(&mut administering(&stage, &["setup", "--target", "us-west-2"]), "REGION=WORKSPACE");
    usage(&mut administering(&stage, &["verify"]), "<INTEGRATION>");
    usage(&mut administering(&stage, &["verify", "nobody"]), "there is no such integration");
    usage(
        administering(&stage, &["verify", "claude"]).env_remove("PORTCULLIS_API_KEY"),
        "no key for the admin API",
    );
    usage(
        administering(&stage, &["verify", "claude"]).env("PORTCULLIS_API_KEY", "canary"),
        "PORTCULLIS_API_KEY must be a key of the gateway (`pcs_…`), got another value",
    );
    usage(
        administering(&stage, &["verify", "claude"]).env("PORTCULLIS_API_KEY", &stage.key),
        "this key needs the scope",
    );
    usage(&mut administering(&stage, &["verify", "claude", "--url", "nowhere"]), "no address of a gateway");

    let mut away = administering(&stage, &["verify", "claude", "--url", "http://127.0.0.1:1"]);
    let said = run(&mut away);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(
        said.stderr.contains("no answer from http://127.0.0.1:1/; is the gateway running"),
        "{}",
        said.stderr
    );
}

#[test]
fn whoami_shows_the_identity_that_a_gateway_here_would_have() {
    let stage = Stage::new(&[]);
    let with_identity = |arguments: &[&str]| {
        let mut command = portcullis(stage.folder.path(), arguments);
        for (name, value) in stage.emulator.ready["env"].as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
        command
    };
    let text = succeeds(&mut with_identity(&["whoami"]));
    let arn = format!("arn       {}\n", world::GATEWAY_ARN);
    assert!(text.contains(&arn) && text.contains("found by  environment\n"), "{text}");
    let object = json_of(&succeeds(&mut with_identity(&["whoami", "--json"])));
    assert_eq!((&object["arn"], &object["expires_at"]), (&json!(world::GATEWAY_ARN), &Value::Null));

    let mut nobody = portcullis(stage.folder.path(), &["whoami"]);
    nobody.env("AWS_EC2_METADATA_DISABLED", "true");
    let said = run(&mut nobody);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{}", said.stderr);
    assert!(said.stderr.contains("the gateway found no AWS identity of its own"), "{}", said.stderr);
    let unknown = run(with_identity(&["whoami"]).env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(unknown.code, Some(1), "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("AWS does not accept the gateway's own credentials"),
        "{}",
        unknown.stderr
    );
}
