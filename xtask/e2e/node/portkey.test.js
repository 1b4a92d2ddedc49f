/** The `portkey-ai` client: what a developer sends with it. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { Portkey } from 'portkey-ai';

import { newCustomer, script } from './customer.js';

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
  const completion = await ask('Hello', { model: 'claude-sonnet-4-5' }, named);
  assert.equal(completion.choices[0].finish_reason, 'stop');
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
