/** The `portkey-ai` client: what a developer sends with it. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { toFile } from 'openai';
import { Portkey } from 'portkey-ai';

import { newCustomer, script } from './customer.js';
import { PDF } from './media.js';
import { until } from './until.js';

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

let customer;
let client;

before(async () => {
  customer = await newCustomer();
  client = new Portkey({ apiKey: customer.key, baseURL: customer.v1 });
});

const user = (content) => ({ role: 'user', content });

const ask = (content, more = {}, from = client) =>
  from.chat.completions.create({
    model: customer.model(),
    max_tokens: 1000,
    messages: [user(content)],
    ...more,
  });

test('a question is answered', async () => {
  const completion = await ask('Hello');
  assert.match(completion.choices[0].message.content, /Hello/);
  assert.equal(completion.choices[0].finish_reason, 'stop');
  assert.ok(completion.usage.total_tokens > 0);
});

test('the provider may stand in a header instead of the model', async () => {
  const named = new Portkey({
    apiKey: customer.key,
    baseURL: customer.v1,
    provider: `@${customer.provider}`,
  });
  const completion = await ask('Hello', { model: 'claude-haiku-4-5' }, named);
  assert.equal(completion.choices[0].finish_reason, 'stop');
});

test('content blocks are told to whoever asks for more than compliance', async () => {
  // The client asks for it with every request.
  const { message } = (await ask(script('thinking'))).choices[0];
  assert.deepEqual(
    message.content_blocks.map((block) => block.type),
    ['thinking', 'text'],
  );
  assert.ok(message.content_blocks[0].signature);
});

describe('files and batches', () => {
  let named;

  before(() => {
    named = new Portkey({ apiKey: customer.key, baseURL: customer.v1, provider: `@${customer.provider}` });
  });

  test('a file is uploaded, found and deleted', async () => {
    const report = await toFile(Buffer.from(PDF, 'base64'), 'report.pdf', { type: 'application/pdf' });
    const file = await named.files.create({ file: report, purpose: 'user_data' });
    assert.equal((await named.files.retrieve(file.id)).filename, 'report.pdf');
    assert.equal((await named.files.delete(file.id)).deleted, true);
  });

  test('requests in the body run, and their results are the output', async () => {
    const params = { model: 'claude-haiku-4-5', max_tokens: 100, messages: [user('one')] };
    const { id } = await named.batches.create({ requests: [{ custom_id: 'ask-1', params }] });
    const batch = await until('the batch is over', async () => {
      const now = await named.batches.retrieve(id);
      return ['completed', 'failed', 'expired', 'cancelled'].includes(now.status) && now;
    });
    assert.equal(batch.status, 'completed', JSON.stringify(batch.errors));
    // Upstream's own lines; the client reads a single one as JSON.
    const line = await named.batches.output(id);
    assert.equal(line.custom_id, 'ask-1');
    assert.match(line.result.message.content[0].text, /one/);
  });
});

test('a stream is the whole answer', async () => {
  const whole = await ask('Why is the sky blue?');
  let text = '';
  for await (const chunk of await ask('Why is the sky blue?', { stream: true })) {
    text += chunk.choices[0]?.delta.content ?? '';
  }
  assert.equal(text, whole.choices[0].message.content);
});

test('a tool is called and its result goes back', async () => {
  const first = await ask(script('tool_use'), { tools: [WEATHER] });
  const { message } = first.choices[0];
  const [call] = message.tool_calls;
  assert.equal(call.function.name, 'get_weather');
  const second = await client.chat.completions.create({
    model: customer.model(),
    max_tokens: 1000,
    tools: [WEATHER],
    messages: [
      user(script('tool_use')),
      message,
      { role: 'tool', tool_call_id: call.id, content: '18 degrees' },
    ],
  });
  assert.equal(second.choices[0].message.content, 'The tool answered: 18 degrees');
});

describe('errors', () => {
  test('a parameter that cannot be is refused by name', () =>
    assert.rejects(ask('Hello', { n: 2 }), (error) => {
      assert.equal(error.status, 400);
      assert.match(error.message, /\bn\b/);
      return true;
    }));

  test('an unknown model is not found', () =>
    assert.rejects(ask('Hello', { model: customer.model('claude-nonexistent-9') }), { status: 404 }));

  test('a stream that breaks raises after what came before', async () => {
    let text = '';
    await assert.rejects(async () => {
      for await (const chunk of await ask(script('error_mid_stream'), { stream: true })) {
        text += chunk.choices[0]?.delta.content ?? '';
      }
    });
    assert.ok(text);
  });
});
