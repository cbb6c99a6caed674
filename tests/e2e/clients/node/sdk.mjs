// The official OpenAI and Anthropic SDKs for Node. Run with the API's base URL, ending in /v1.
import assert from "node:assert/strict";
import OpenAI from "openai";
import Anthropic from "@anthropic-ai/sdk";

const url = process.argv[2];
const openai = new OpenAI({ baseURL: url, apiKey: "any", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url.replace(/\/v1$/, ""), apiKey: "any", maxRetries: 0 });
const ask = { model: "polychat-mini", messages: [{ role: "user", content: "Hello!" }], temperature: 0 };
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

const whole = await openai.chat.completions.create(ask);
const stream = openai.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
const final = await stream.finalChatCompletion();
assert.equal(final.choices[0].message.content, whole.choices[0].message.content);
assert.deepEqual(final.usage.total_tokens, whole.usage.total_tokens);

let calls = 0;
const runner = openai.chat.completions.runTools({
  ...ask,
  messages: [{ role: "user", content: "What is the weather in Oslo?" }],
  tools: [{ type: "function", function: { name: "get_weather", description: "The weather of a city.", parameters,
    parse: JSON.parse, function: ({ city }) => { calls += 1; return `sunny in ${city}`; } } }],
});
assert.ok(await runner.finalContent());
assert.ok(calls >= 1);

const response = await openai.responses.create({ model: "polychat-mini", input: "Hello!", temperature: 0 });
assert.ok(response.output_text);
const events = [];
for await (const event of await openai.responses.create({ model: "polychat-mini", input: "Hello!", stream: true }))
  events.push(event);
assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
assert.equal(events.at(-1).type, "response.completed");

const message = await anthropic.messages.create({ ...ask, max_tokens: 50 });
const said = await anthropic.messages.stream({ ...ask, max_tokens: 50 }).finalMessage();
assert.deepEqual(said.content, message.content);

await assert.rejects(openai.chat.completions.create({ ...ask, model: "nobody" }), OpenAI.NotFoundError);
await assert.rejects(openai.chat.completions.create({ ...ask, temperature: 5 }), OpenAI.BadRequestError);
await assert.rejects(anthropic.messages.create({ ...ask, max_tokens: 50, model: "nobody" }), Anthropic.NotFoundError);
console.log("ok");
