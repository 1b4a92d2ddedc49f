/** LangChain's `ChatOpenAI` and `ChatAnthropic`: the same tests in both dialects. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

import { newCustomer, script } from './customer.js';
import { PNG } from './media.js';

const getWeather = tool(() => '18 degrees', {
  name: 'get_weather',
  description: 'The weather of a city.',
  schema: z.object({ city: z.string() }),
});

let customer;

before(async () => {
  customer = await newCustomer();
});

const MAKERS = {
  openai: (more) =>
    new ChatOpenAI({
      model: customer.model(),
      apiKey: customer.key,
      configuration: { baseURL: customer.v1 },
      maxTokens: 4000,
      maxRetries: 0,
      ...more,
    }),
  anthropic: (more) =>
    new ChatAnthropic({
      model: customer.model(),
      apiKey: customer.key,
      anthropicApiUrl: customer.address,
      maxTokens: 4000,
      maxRetries: 0,
      ...more,
    }),
};

for (const [name, chat] of Object.entries(MAKERS)) {
  describe(name, () => {
    test('a question is answered', async () => {
      const message = await chat().invoke('Why is the sky blue?');
      assert.match(message.text, /Why is the sky blue\?/);
      const { input_tokens, output_tokens, total_tokens } = message.usage_metadata;
      assert.ok(input_tokens > 0 && output_tokens > 0);
      assert.equal(total_tokens, input_tokens + output_tokens);
    });

    test('a stream adds up to the whole answer', async () => {
      const whole = await chat().invoke(script('long=50'));
      let sum;
      for await (const chunk of await chat().stream(script('long=50'))) sum = sum ? sum.concat(chunk) : chunk;
      assert.equal(sum.text, whole.text);
      assert.equal(sum.usage_metadata.input_tokens, whole.usage_metadata.input_tokens);
      assert.ok(sum.usage_metadata.output_tokens >= whole.usage_metadata.output_tokens);
    });

    test('a tool is called and its result goes back', async () => {
      const model = chat().bindTools([getWeather]);
      const question = new HumanMessage(script('tool_use'));
      const first = await model.invoke([question]);
      const [call] = first.tool_calls;
      assert.deepEqual([call.name, call.args], ['get_weather', { city: 'example' }]);
      const result = new ToolMessage({ tool_call_id: call.id, content: '18 degrees' });
      const second = await model.invoke([question, first, result]);
      assert.equal(second.text, 'The tool answered: 18 degrees');
    });

    test('streamed tool calls are put together', async () => {
      const model = chat().bindTools([getWeather]);
      let sum;
      for await (const chunk of await model.stream(script('parallel_tools'))) {
        sum = sum ? sum.concat(chunk) : chunk;
      }
      assert.deepEqual(
        sum.tool_calls.map((call) => [call.name, call.args]),
        Array(2).fill(['get_weather', { city: 'example' }]),
      );
    });

    test('a loop of tools over three turns ends with an answer', async () => {
      // `ChatOpenAI` sends no signatures back, so it cannot ask for thinking in a loop of tools.
      const thinking = { type: 'enabled', budget_tokens: 1024 };
      const model = chat(name === 'anthropic' ? { thinking } : {}).bindTools([getWeather]);
      const messages = [new HumanMessage(script('tool_loop=2'))];
      for (const turn of [1, 2]) {
        const message = await model.invoke(messages);
        assert.equal(message.tool_calls.length, 1, `turn ${turn}`);
        if (name === 'anthropic') assert.ok(message.content[0].signature, `turn ${turn}`);
        messages.push(message);
        messages.push(new ToolMessage({ tool_call_id: message.tool_calls[0].id, content: '18 degrees' }));
      }
      const last = await model.invoke(messages);
      assert.deepEqual(last.tool_calls, []);
      assert.ok(last.text);
    });

    test('a structured answer is parsed by its schema', async () => {
      const schema = z.object({ city: z.string(), degrees: z.number() });
      const model = chat().withStructuredOutput(schema, { method: 'jsonSchema' });
      const { city, degrees } = await model.invoke(script('structured'));
      assert.deepEqual([typeof city, typeof degrees], ['string', 'number']);
    });

    test('an image is read', async () => {
      const image = { type: 'image', mimeType: 'image/png', data: PNG };
      const content = [{ type: 'text', text: 'What is this?' }, image];
      const message = await chat().invoke([new HumanMessage({ contentBlocks: content })]);
      assert.match(message.text, /What is this\?/);
    });

    for (const [asked, status] of [['429=7', 429], ['529', name === 'anthropic' ? 529 : 503]]) {
      test(`a ${status} is an error with its status`, () =>
        assert.rejects(chat().invoke(script(asked)), { status }));
    }

    test('a stream that breaks raises', () =>
      assert.rejects(async () => {
        for await (const chunk of await chat().stream(script('error_mid_stream'))) assert.ok(chunk);
      }));
  });
}
