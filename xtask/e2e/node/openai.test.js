/** The `openai` client: what its users do all day with Chat Completions. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { ADAPTIVE_MODEL, newCustomer, script } from './customer.js';
import { PDF, PNG } from './media.js';

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    },
  },
};
const FAULTS = ['error_mid_stream', 'reset_mid_stream', 'cut_mid_stream', 'end_without_stop'];

let customer;
let client;

before(async () => {
  customer = await newCustomer();
  client = new OpenAI({ apiKey: customer.key, baseURL: customer.v1, maxRetries: 0, timeout: 30_000 });
});

const user = (content) => ({ role: 'user', content });

const ask = (content, more = {}) =>
  client.chat.completions.create({
    model: customer.model(),
    max_tokens: 1000,
    messages: [user(content)],
    ...more,
  });

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

test('a question is answered', async () => {
  const completion = await ask('Why is the sky blue?');
  const [choice] = completion.choices;
  assert.equal(completion.object, 'chat.completion');
  assert.equal(choice.message.role, 'assistant');
  assert.match(choice.message.content, /Why is the sky blue\?/);
  assert.equal(choice.finish_reason, 'stop');
  const { prompt_tokens, completion_tokens, total_tokens } = completion.usage;
  assert.ok(prompt_tokens > 0 && completion_tokens > 0);
  assert.equal(total_tokens, prompt_tokens + completion_tokens);
});

describe('a stream', () => {
  test('is the whole answer, and ends with its usage', async () => {
    const whole = await ask('Why is the sky blue?');
    const options = { stream: true, stream_options: { include_usage: true } };
    const chunks = await collect(await ask('Why is the sky blue?', options));
    assert.equal(textOf(chunks), whole.choices[0].message.content);
    assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.prompt_tokens, whole.usage.prompt_tokens);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  });

  test('has no usage that nobody asked for', async () => {
    const chunks = await collect(await ask('Hello', { stream: true }));
    assert.ok(chunks.every((chunk) => !chunk.usage && chunk.choices.length === 1));
  });

  test('is put together by the client', async () => {
    const stream = client.chat.completions.stream({
      model: customer.model(),
      max_tokens: 1000,
      messages: [user(script('long=200'))],
    });
    const completion = await stream.finalChatCompletion();
    assert.equal(completion.choices[0].message.content.split(' ').length, 200);
    assert.equal(completion.choices[0].finish_reason, 'stop');
  });

  for (const fault of FAULTS) {
    test(`that breaks (${fault}) raises after what came before`, async () => {
      let text = '';
      await assert.rejects(async () => {
        for await (const chunk of await ask(script(fault), { stream: true })) {
          // Without the upstream's last event, the one that says why it stopped has already been passed on.
          assert.ok(fault === 'end_without_stop' || chunk.choices[0].finish_reason === null);
          text += chunk.choices[0].delta.content ?? '';
        }
      }, OpenAI.APIError);
      assert.ok(text);
    });
  }
});

describe('tools', () => {
  test('are called, and a result goes back', async () => {
    const question = user(script('tool_use'));
    const first = await ask(script('tool_use'), { tools: [WEATHER] });
    assert.equal(first.choices[0].finish_reason, 'tool_calls');
    const { message } = first.choices[0];
    const [call] = message.tool_calls;
    assert.equal(call.type, 'function');
    assert.equal(call.function.name, 'get_weather');
    assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ['city']);
    const result = { role: 'tool', tool_call_id: call.id, content: '18 degrees' };
    const second = await client.chat.completions.create({
      model: customer.model(),
      max_tokens: 1000,
      messages: [question, message, result],
      tools: [WEATHER],
    });
    assert.equal(second.choices[0].finish_reason, 'stop');
    assert.equal(second.choices[0].message.content, 'The tool answered: 18 degrees');
  });

  test('called in parallel stay apart', async () => {
    const chunks = await collect(await ask(script('parallel_tools'), { tools: [WEATHER], stream: true }));
    const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    const begun = deltas.filter((delta) => delta.id);
    assert.deepEqual(begun.map((delta) => delta.index), [0, 1]);
    for (const { index } of begun) {
      const parts = deltas.filter((delta) => delta.index === index);
      const json = parts.map((delta) => delta.function.arguments ?? '').join('');
      assert.deepEqual(Object.keys(JSON.parse(json)), ['city']);
    }
    const whole = await ask(script('parallel_tools'), { tools: [WEATHER] });
    const identities = whole.choices[0].message.tool_calls.map((call) => call.id);
    assert.equal(new Set(identities).size, 2);
  });

  test('are run by the client in a loop', async () => {
    const asked = [];
    const runner = client.chat.completions.runTools({
      model: customer.model(),
      max_tokens: 1000,
      messages: [user(script('tool_use'))],
      tools: [
        {
          type: 'function',
          function: {
            ...WEATHER.function,
            parse: JSON.parse,
            function: (input) => (asked.push(input), '18 degrees'),
          },
        },
      ],
    });
    assert.equal(await runner.finalContent(), 'The tool answered: 18 degrees');
    assert.equal(asked.length, 1);
  });
});

describe('thinking', () => {
  test('is told beside the answer', async () => {
    const { message } = (await ask(script('thinking'))).choices[0];
    assert.ok(message.content);
    assert.ok(message.reasoning_content);
    assert.ok(message.thinking_blocks[0].signature);
  });

  for (const streamed of [false, true]) {
    test(`stays valid over a loop of tools (streamed: ${streamed})`, async () => {
      // The emulator refuses a thought that does not come back as it was given out.
      const messages = [user(script('tool_loop=2'))];
      for (const turn of [1, 2, 3]) {
        const body = {
          model: customer.model(ADAPTIVE_MODEL),
          max_tokens: 4000,
          reasoning_effort: 'low',
          tools: [WEATHER],
          messages,
        };
        const completion = streamed
          ? await client.chat.completions.stream(body).finalChatCompletion()
          : await client.chat.completions.create(body);
        const [{ message, finish_reason }] = completion.choices;
        assert.equal(finish_reason, turn < 3 ? 'tool_calls' : 'stop', `turn ${turn}`);
        assert.ok(turn === 3 || message.thinking_blocks[0].signature, `turn ${turn}`);
        messages.push(message);
        for (const { id } of message.tool_calls ?? []) {
          messages.push({ role: 'tool', tool_call_id: id, content: '18 degrees' });
        }
      }
      assert.equal(messages.filter((message) => message.role === 'tool').length, 2);
    });
  }
});

test('a structured answer is parsed by its schema', async () => {
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  const completion = await client.chat.completions.parse({
    model: customer.model(),
    max_tokens: 1000,
    messages: [user(script('structured'))],
    response_format: zodResponseFormat(Weather, 'weather'),
  });
  const { parsed } = completion.choices[0].message;
  assert.deepEqual([typeof parsed.city, typeof parsed.degrees], ['string', 'number']);
});

describe('media', () => {
  const image = (url) => [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url } }];

  test('an image comes by data URL', async () => {
    const completion = await ask(image(`data:image/png;base64,${PNG}`));
    assert.match(completion.choices[0].message.content, /What is this/);
  });

  test('an image comes by URL', async () => {
    const completion = await ask(image('https://example.com/cat.png'));
    assert.match(completion.choices[0].message.content, /What is this/);
  });

  test('a PDF comes as a file part', async () => {
    const file = { filename: 'report.pdf', file_data: `data:application/pdf;base64,${PDF}` };
    const completion = await ask([{ type: 'text', text: 'Sum it up.' }, { type: 'file', file }]);
    assert.match(completion.choices[0].message.content, /Sum it up/);
  });
});

describe('errors', () => {
  const refused = async (asking, kind, expected) => {
    const error = await asking.then(
      () => assert.fail('it was answered'),
      (error) => error,
    );
    assert.ok(error instanceof kind, String(error));
    for (const [name, value] of Object.entries(expected)) assert.equal(error[name], value);
    return error;
  };

  for (const [param, value] of Object.entries({ n: 2, temperature: 'hot', max_tokens: -1, messages: [] })) {
    test(`${param} that cannot be is refused by name`, () =>
      refused(ask('Hello', { [param]: value }), OpenAI.BadRequestError, {
        param,
        type: 'invalid_request_error',
      }));
  }

  test('a wrong key is an authentication error', () => {
    const stranger = new OpenAI({ apiKey: 'pcs_wrong', baseURL: customer.v1, maxRetries: 0 });
    const asking = stranger.chat.completions.create({ model: customer.model(), messages: [user('Hello')] });
    return refused(asking, OpenAI.AuthenticationError, { code: 'invalid_api_key' });
  });

  test('an unknown model is not found', async () => {
    const asking = ask('Hello', { model: customer.model('claude-nonexistent-9') });
    const error = await refused(asking, OpenAI.NotFoundError, { code: 'model_not_found' });
    assert.match(error.message, /claude-nonexistent-9/);
  });

  for (const stream of [false, true]) {
    test(`a rate limit tells its delay (stream: ${stream})`, async () => {
      const asking = ask(script('429=7'), { stream });
      const error = await refused(asking, OpenAI.RateLimitError, { code: 'rate_limit_exceeded' });
      assert.equal(error.headers.get('retry-after'), '7');
    });
  }

  test('an overload is a server error', () =>
    refused(ask(script('529')), OpenAI.InternalServerError, { status: 503, code: 'overloaded' }));

  test('the limit of tokens and a refusal have their finish reasons', async () => {
    assert.equal((await ask(script('max_tokens'))).choices[0].finish_reason, 'length');
    assert.equal((await ask(script('refusal'))).choices[0].finish_reason, 'content_filter');
  });
});
