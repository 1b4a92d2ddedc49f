/**
 * A customer of the emulated AWS with an account, a role and a workspace of its own, set up at the gateway.
 *
 * Each test file makes one, so that what it uploads or counts is nobody else's, although all files share one gateway.
 */

import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';

export const GATEWAY_URL = process.env.PORTCULLIS_E2E_GATEWAY_URL;
const EMULATOR_URL = process.env.PORTCULLIS_E2E_EMULATOR_URL;
const REGION = 'us-west-2';
const SERVICE = 'aws-external-anthropic';
/** Who assumes the roles: the gateway's user in the emulated AWS. */
const GATEWAY = 'arn:aws:iam::111122223333:user/portcullis-gateway';

export const MODEL = 'claude-haiku-4-5';
/** One that thinks adaptively, and refuses a budget. */
export const ADAPTIVE_MODEL = 'claude-opus-4-8';

/** The text that makes the emulator follow a script, such as `tool_use`, `long=200` or `529`. */
export const script = (name) => `[[emulator:${name}]]`;

async function send(method, url, body, headers = {}) {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${url}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

const emulate = (path, body) => send('PUT', `${EMULATOR_URL}/_emulator/${path}`, body);

const administer = (path, body) =>
  send('POST', GATEWAY_URL + path, body, { 'x-portkey-api-key': process.env.PORTCULLIS_E2E_ADMIN_KEY });

const policy = (...statements) => ({ Version: '2012-10-17', Statement: statements });

/** Account, role and workspace in the emulated AWS; returns what an integration says of them. */
async function settle() {
  const account = String(randomInt(10 ** 11, 10 ** 12));
  const unique = randomUUID().replaceAll('-', '').slice(0, 14);
  const workspace = `wrkspc_${unique}`;
  const externalId = `customer-${randomUUID()}`;
  await emulate(`accounts/${account}`, { federation: true, subscribed: true });
  await emulate(`workspaces/${workspace}`, { account, region: REGION });
  await emulate(`roles/claude-${unique}`, {
    account,
    trust_policy: policy({
      Effect: 'Allow',
      Principal: { AWS: GATEWAY },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': externalId } },
    }),
    permissions_policy: policy(
      { Effect: 'Allow', Action: `${SERVICE}:*`, Resource: '*' },
      { Effect: 'Allow', Action: ['sts:GetWebIdentityToken', 'sts:TagGetWebIdentityToken'], Resource: '*' },
    ),
  });
  return {
    aws_auth_type: 'assumedRole',
    aws_role_arn: `arn:aws:iam::${account}:role/claude-${unique}`,
    aws_external_id: externalId,
    aws_region: REGION,
    anthropic_aws_workspace_id: workspace,
    features: ['inference', 'token_counting', 'models', 'files', 'batches', 'skills'],
  };
}

/** What a developer is given. */
class Customer {
  constructor(key, provider, workspace) {
    Object.assign(this, { key, provider, workspace, address: GATEWAY_URL, v1: `${GATEWAY_URL}/v1` });
  }

  model(name = MODEL) {
    return `@${this.provider}/${name}`;
  }

  /** What reached this customer's workspace, oldest first, refused requests included. */
  async arrived() {
    const seen = await send('GET', `${EMULATOR_URL}/_emulator/requests`);
    return seen.requests.filter((request) => request.workspace === this.workspace);
  }
}

/** Integration, provider and key for a customer of its own. */
export async function newCustomer() {
  const configurations = await settle();
  const unique = randomUUID().slice(0, 8);
  const integration = await administer('/v1/integrations', {
    name: `Customer ${unique}`,
    slug: `int-${unique}`,
    ai_provider_id: 'claude-platform-aws',
    configurations,
  });
  const provider = `claude-${unique}`;
  await administer('/v1/providers', {
    name: provider,
    slug: provider,
    integration_id: integration.slug,
    workspace_id: 'ws-default',
  });
  const key = await administer('/v1/api-keys/workspace/service', {
    name: 'end-to-end',
    workspace_id: 'ws-default',
    scopes: ['completions.write'],
  });
  return new Customer(key.key, provider, configurations.anthropic_aws_workspace_id);
}
