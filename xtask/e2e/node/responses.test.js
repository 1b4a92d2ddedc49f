/** The `openai` client's Responses API: created, streamed, continued, kept and deleted. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

import { ADAPTIVE_MODEL, newCustomer, script } from './customer.js';
import { PDF, PNG } from './media.js';

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city.',
  strict: false,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

let customer;
let client;

before(async () => {
  customer = await newCustomer();
  client = new OpenAI({ apiKey: customer.key, baseURL: customer.v1, maxRetries: 0, timeout: 30_000 });
});

const parameters = (input, more) => ({ model: customer.model(), max_output_tokens: 2000, input, ...more });
const create = (input, more = {}) => client.responses.create(parameters(input, more));

test('a response is created', async () => {
  const response = await create('Why is the sky blue?', { instructions: 'You are brief.' });
  assert.equal(response.object, 'response');
  assert.equal(response.status, 'completed');
  assert.match(response.output_text, /Why is the sky blue\?/);
  assert.equal(response.instructions, 'You are brief.');
  const { input_tokens, output_tokens, total_tokens } = response.usage;
  assert.ok(input_tokens > 0 && output_tokens > 0);
  assert.equal(total_tokens, input_tokens + output_tokens);
});

describe('a stream', () => {
  test('is numbered without gaps, and ends with the whole response', async () => {
    const events = [];
    for await (const event of await create('Why is the sky blue?', { stream: true })) events.push(event);
    assert.deepEqual(
      events.map((event) => event.sequence_number),
      [...events.keys()],
    );
    const kinds = events.map((event) => event.type);
    assert.deepEqual(kinds.slice(0, 4), [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
    ]);
    assert.deepEqual(kinds.slice(-4), [
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const deltas = events.filter((event) => event.type === 'response.output_text.delta');
    const text = deltas.map((event) => event.delta).join('');
    const { response } = events.at(-1);
    assert.equal(response.output[0].content[0].text, text);
    assert.ok(response.usage.output_tokens > 0);
  });

  test('is put together by the client', async () => {
    const response = await client.responses.stream(parameters(script('long=200'))).finalResponse();
    assert.equal(response.status, 'completed');
    assert.equal(response.output_text.split(' ').length, 200);
  });

  test('keeps parallel calls apart', async () => {
    const stream = client.responses.stream(parameters(script('parallel_tools'), { tools: [WEATHER] }));
    const { output } = await stream.finalResponse();
    const calls = output.filter((item) => item.type === 'function_call');
    assert.equal(new Set(calls.map((call) => call.call_id)).size, 2);
    for (const call of calls) assert.deepEqual(Object.keys(JSON.parse(call.arguments)), ['city']);
  });

  test('that breaks ends with a failed response', async () => {
    const events = [];
    const read = async () => {
      for await (const event of await create(script('error_mid_stream'), { stream: true })) events.push(event);
    };
    await read().catch(() => {});
    assert.equal(events.at(-1).type, 'response.failed');
    assert.equal(events.at(-1).response.status, 'failed');
    assert.ok(events.at(-1).response.error.code);
    assert.ok(events.some((event) => event.type === 'response.output_text.delta'));
  });
});

describe('tools', () => {
  test('keep their thinking over three turns, when the client sends everything back', async () => {
    const more = {
      model: customer.model(ADAPTIVE_MODEL),
      tools: [WEATHER],
      reasoning: { effort: 'low' },
      include: ['reasoning.encrypted_content'],
      store: false,
    };
    const input = [{ role: 'user', content: script('tool_loop=2') }];
    for (const turn of [1, 2]) {
      const { output } = await create(input, more);
      assert.deepEqual(
        output.map((item) => item.type).filter((type) => type !== 'message'),
        ['reasoning', 'function_call'],
        `turn ${turn}`,
      );
      assert.ok(output[0].encrypted_content.startsWith('anthropic.v1.'));
      const { call_id } = output.at(-1);
      input.push(...output, { type: 'function_call_output', call_id, output: '18 degrees' });
    }
    const last = await create(input, more);
    assert.equal(last.status, 'completed');
    assert.ok(last.output_text);
  });

  test('keep their thinking over three turns, when the gateway keeps the conversation', async () => {
    const more = { model: customer.model(ADAPTIVE_MODEL), tools: [WEATHER], reasoning: { effort: 'low' } };
    let response = await create(script('tool_loop=2'), more);
    for (const turn of [1, 2]) {
      const { call_id } = response.output.find((item) => item.type === 'function_call');
      assert.ok(call_id, `turn ${turn}`);
      response = await create([{ type: 'function_call_output', call_id, output: '18 degrees' }], {
        ...more,
        previous_response_id: response.id,
      });
    }
    assert.equal(response.status, 'completed');
    assert.ok(response.output_text);
  });
});

test('a structured answer is parsed by its schema', async () => {
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  const text = { format: zodTextFormat(Weather, 'weather') };
  const { output_parsed } = await client.responses.parse(parameters(script('structured'), { text }));
  assert.equal(typeof output_parsed.city, 'string');
  assert.equal(typeof output_parsed.degrees, 'number');
});

test('a parsed answer goes back as it is', async () => {
  // The client adds what it parsed to the items that its users send back.
  const Weather = z.object({ city: z.string(), degrees: z.number() });
  const text = { format: zodTextFormat(Weather, 'weather') };
  const { output } = await client.responses.parse(parameters(script('structured'), { text }));
  const input = [{ role: 'user', content: script('structured') }, ...output, { role: 'user', content: 'Thanks.' }];
  assert.match((await create(input)).output_text, /Thanks\./);
});

test('an image and a PDF are read', async () => {
  const content = [
    { type: 'input_text', text: 'What is this?' },
    { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${PNG}` },
    { type: 'input_file', filename: 'report.pdf', file_data: `data:application/pdf;base64,${PDF}` },
  ];
  const response = await create([{ role: 'user', content }]);
  assert.match(response.output_text, /What is this\?/);
});

describe('a kept response', () => {
  test('is continued, retrieved, listed by its input, and deleted', async () => {
    const first = await create('My name is Ada.');
    const second = await create('What is my name?', { previous_response_id: first.id });
    assert.equal(second.previous_response_id, first.id);
    assert.ok(second.usage.input_tokens > first.usage.input_tokens, 'the first turn came along');

    const kept = await client.responses.retrieve(first.id);
    assert.equal(kept.output_text ?? kept.output[0].content[0].text, first.output_text);
    assert.equal(kept.status, 'completed');
    const items = [];
    for await (const item of client.responses.inputItems.list(first.id)) items.push(item);
    assert.equal(items.length, 1);
    assert.equal(items[0].content[0].text, 'My name is Ada.');

    await client.responses.delete(first.id);
    await assert.rejects(client.responses.retrieve(first.id), OpenAI.NotFoundError);
  });

  test('that was streamed is kept, too', async () => {
    const streamed = await client.responses.stream(parameters('Hello')).finalResponse();
    const kept = await client.responses.retrieve(streamed.id);
    assert.deepEqual(kept.output, streamed.output.map(withoutParsed));
  });

  test('is not there when it was not to be', async () => {
    const { id } = await create('Hello', { store: false });
    await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
  });
});

/** The client's helpers add what they parsed to each part. */
function withoutParsed(item) {
  return { ...item, content: item.content?.map(({ parsed, ...part }) => part) };
}

describe('errors', () => {
  test('an unknown previous response is named', () =>
    assert.rejects(create('Hello', { previous_response_id: 'resp_unknown' }), {
      status: 400,
      param: 'previous_response_id',
    }));

  for (const [name, more] of Object.entries({
    background: { background: true },
    temperature: { temperature: 'hot' },
    prompt: { prompt: { id: 'pmpt_1' } },
  })) {
    test(`${name} that cannot be is refused by name`, () =>
      assert.rejects(create('Hello', more), { status: 400, param: name, type: 'invalid_request_error' }));
  }

  test('a rate limit tells its delay', () =>
    assert.rejects(create(script('429=7')), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.headers.get('retry-after'), '7');
      return true;
    }));

  test('an unknown model is not found', () =>
    assert.rejects(create('Hello', { model: customer.model('claude-nonexistent-9') }), { status: 404 }));
});
