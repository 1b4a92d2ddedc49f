/** The `@anthropic-ai/sdk` client: the same dialect in and out. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';

import { newCustomer, script } from './customer.js';
import { PDF, PNG } from './media.js';

const WEATHER = {
  name: 'get_weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const FAULTS = ['error_mid_stream', 'reset_mid_stream', 'cut_mid_stream', 'end_without_stop'];

let customer;
let client;

before(async () => {
  customer = await newCustomer();
  client = new Anthropic({ apiKey: customer.key, baseURL: customer.address, maxRetries: 0, timeout: 30_000 });
});

const user = (content) => ({ role: 'user', content });
const assistant = (content) => ({ role: 'assistant', content });

const parameters = (content, more) => ({
  model: customer.model(),
  max_tokens: 1000,
  messages: [user(content)],
  ...more,
});

const ask = (content, more = {}) => client.messages.create(parameters(content, more));

test('a message is answered', async () => {
  const message = await ask('Why is the sky blue?', { system: 'You are brief.' });
  assert.equal(message.type, 'message');
  assert.match(message.content[0].text, /Why is the sky blue\?/);
  assert.equal(message.stop_reason, 'end_turn');
  assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0);
  assert.ok(message._request_id.startsWith('req_'));
});

describe('a stream', () => {
  test('has its events in order', async () => {
    const kinds = [];
    for await (const event of await ask('Hello', { stream: true })) kinds.push(event.type);
    assert.deepEqual(kinds.slice(0, 2), ['message_start', 'content_block_start']);
    assert.deepEqual(new Set(kinds.slice(2, -3)), new Set(['content_block_delta']));
    assert.deepEqual(kinds.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
  });

  test('is put together by the client into the whole message', async () => {
    const whole = await ask('Why is the sky blue?');
    const message = await client.messages.stream(parameters('Why is the sky blue?')).finalMessage();
    assert.equal(message.content[0].text, whole.content[0].text);
    assert.equal(message.usage.output_tokens, whole.usage.output_tokens);
    assert.equal(message.stop_reason, 'end_turn');
  });

  for (const fault of FAULTS) {
    test(`that breaks (${fault}) raises after what came before`, async () => {
      let text = '';
      const read = async () => {
        let last;
        for await (const event of await ask(script(fault), { stream: true })) {
          last = event.type;
          if (event.type === 'content_block_delta') text += event.delta.text;
        }
        return last;
      };
      // This client takes a body that ends in good order for the whole stream: what it lacks is its last event.
      const last = await read().catch((error) => error);
      assert.ok(last instanceof Error || last !== 'message_stop', String(last));
      assert.ok(text);
    });
  }
});

describe('tools', () => {
  test('are called, and their results go back', async () => {
    const first = await ask(script('tool_use'), { tools: [WEATHER] });
    assert.equal(first.stop_reason, 'tool_use');
    const call = first.content.find((block) => block.type === 'tool_use');
    assert.deepEqual(Object.keys(call.input), ['city']);
    const result = { type: 'tool_result', tool_use_id: call.id, content: '18 degrees' };
    const second = await client.messages.create({
      model: customer.model(),
      max_tokens: 1000,
      tools: [WEATHER],
      messages: [user(script('tool_use')), assistant(first.content), user([result])],
    });
    assert.equal(second.content[0].text, 'The tool answered: 18 degrees');
  });
});

describe('thinking', () => {
  const thinking = { type: 'enabled', budget_tokens: 1024 };

  test('goes back with its signature, and not with another', async () => {
    const first = await ask(script('thinking'), { max_tokens: 4000, thinking });
    assert.equal(first.content[0].type, 'thinking');
    const again = (content) =>
      client.messages.create({
        model: customer.model(),
        max_tokens: 4000,
        thinking,
        messages: [user(script('thinking')), assistant(content), user('Go on.')],
      });
    assert.ok((await again(first.content)).content[0].text);
    const [block, ...rest] = first.content;
    const forged = { ...block, signature: `${block.signature}x` };
    await assert.rejects(again([forged, ...rest]), Anthropic.BadRequestError);
  });

  test('is streamed with its signature', async () => {
    const stream = client.messages.stream(parameters(script('thinking'), { max_tokens: 4000, thinking }));
    const whole = await ask(script('thinking'), { max_tokens: 4000, thinking });
    assert.deepEqual((await stream.finalMessage()).content, whole.content);
  });
});

for (const streamed of [false, true]) {
  test(`a loop of tools keeps its thinking (streamed: ${streamed})`, async () => {
    const messages = [user(script('tool_loop=2'))];
    for (const turn of [1, 2, 3]) {
      const body = {
        ...parameters('', { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 1024 } }),
        tools: [WEATHER],
        messages,
      };
      const message = streamed
        ? await client.messages.stream(body).finalMessage()
        : await client.messages.create(body);
      const calls = message.content.filter((block) => block.type === 'tool_use');
      assert.equal(message.stop_reason, turn < 3 ? 'tool_use' : 'end_turn', `turn ${turn}`);
      assert.ok(turn === 3 || (message.content[0].signature && calls.length === 1), `turn ${turn}`);
      messages.push(assistant(message.content));
      const results = calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: '18 degrees' }));
      if (results.length) messages.push(user(results));
    }
    assert.equal(messages.length, 6);
  });
}

test('a structured answer is parsed by its schema', async () => {
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  const message = await client.messages.parse(
    parameters(script('structured'), { output_config: { format: zodOutputFormat(Weather) } }),
  );
  const { city, degrees } = message.parsed_output;
  assert.deepEqual([typeof city, typeof degrees], ['string', 'number']);
});

test('server tools, citations and what nobody knows pass', async () => {
  const kinds = async (name) => (await ask(script(name))).content.map((block) => block.type);
  assert.deepEqual(await kinds('web_search'), ['server_tool_use', 'web_search_tool_result', 'text']);
  const streamed = await client.messages.stream(parameters(script('unknown_events'))).finalMessage();
  assert.ok(streamed.content.some((block) => block.type === 'text'));
});

describe('media', () => {
  const base64 = (media_type, data) => ({ type: 'base64', media_type, data });
  const blocks = {
    'an image': { type: 'image', source: base64('image/png', PNG) },
    'an image by URL': { type: 'image', source: { type: 'url', url: 'https://example.com/cat.png' } },
    'a PDF': { type: 'document', source: base64('application/pdf', PDF) },
  };
  for (const [name, block] of Object.entries(blocks)) {
    test(`${name} is read`, async () => {
      const message = await ask([block, { type: 'text', text: 'What is this?' }]);
      assert.match(message.content[0].text, /What is this\?/);
    });
  }
});

describe('errors', () => {
  const refused = async (asking, kind, type) => {
    const error = await asking.then(
      () => assert.fail('it was answered'),
      (error) => error,
    );
    assert.ok(error instanceof kind, String(error));
    assert.equal(error.error.error.type, type);
    return error;
  };

  test('a wrong key is an authentication error', () => {
    const stranger = new Anthropic({ apiKey: 'pcs_wrong', baseURL: customer.address, maxRetries: 0 });
    const asking = stranger.messages.create(parameters('Hello'));
    return refused(asking, Anthropic.AuthenticationError, 'authentication_error');
  });

  test("an invalid request keeps Claude's own words", async () => {
    const error = await refused(
      ask('Hello', { max_tokens: -1 }),
      Anthropic.BadRequestError,
      'invalid_request_error',
    );
    assert.match(error.message, /max_tokens/);
  });

  test('an unknown model is not found', () =>
    refused(
      ask('Hello', { model: customer.model('claude-nonexistent-9') }),
      Anthropic.NotFoundError,
      'not_found_error',
    ));

  test('a rate limit keeps its delay', async () => {
    const error = await refused(ask(script('429=7')), Anthropic.RateLimitError, 'rate_limit_error');
    assert.equal(error.headers.get('retry-after'), '7');
  });

  test('an overload keeps its status', async () => {
    const error = await refused(ask(script('529')), Anthropic.InternalServerError, 'overloaded_error');
    assert.equal(error.status, 529);
  });
});
