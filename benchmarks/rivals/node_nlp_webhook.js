// node-nlp as its README sets it up, both languages in one NlpManager that guesses the language, behind a plain Express webhook.
//
//     learn WORK | ask WORK | serve WORK CUTOFF PORT          (NODE_PATH names the node_modules that hold node-nlp and express)
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const { NlpManager } = require('node-nlp');

const [order, work, cutoff, port] = process.argv.slice(2);
const kept = path.join(work, 'node-nlp.nlp');
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const unknown = 'Sorry, I do not know that. / Perdone, eso no lo sé.';

// threshold: 0, because a cutoff is chosen on held-back questions (the library's own is 0.5).
function manager() {
  return new NlpManager({ languages: ['en', 'es'], autoSave: false, threshold: 0, nlu: { log: false } });
}

async function taught(questions, answers) {
  const made = manager();
  for (const q of questions) made.addDocument(q.language, q.text, q.intent === 'none' ? 'None' : q.intent);
  for (const language of Object.keys(answers)) for (const [intent, text] of Object.entries(answers[language])) made.addAnswer(language, intent, text);
  await made.train();
  return made;
}

async function guess(made, text) {
  const said = await made.process(text);
  const ours = said.classifications.filter((c) => c.intent !== 'None');
  return { intent: ours.length ? ours[0].intent : 'none', language: said.locale, score: said.score, ours: said.intent !== 'None', answer: said.answer };
}

async function learn() {
  const { questions, answers } = read(path.join(work, 'taught.json'));
  (await taught(questions, answers)).save(kept);
}

function loaded() {
  const made = manager();
  made.load(kept);
  return made;
}

async function ask() {
  const made = loaded();
  await guess(made, 'warm');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const cpu = process.cpuUsage();
    const wall = process.hrtime.bigint();
    const said = await guess(made, JSON.parse(line).text);
    const ms = Number(process.hrtime.bigint() - wall) / 1e6;
    const used = process.cpuUsage(cpu);
    process.stdout.write(`${JSON.stringify({ best: said.intent, score: said.ours ? said.score : 0, language: said.language, ms, cpu: (used.user + used.system) / 1000 })}\n`);
  }
}

function serve() {
  const express = require('express');
  const made = loaded();
  const app = express();
  app.use(express.urlencoded({ extended: false }));
  app.post('/twilio/messages', async (request, response) => {
    const said = await guess(made, request.body.Body);
    const text = (said.ours && said.score >= Number(cutoff) && said.answer) || unknown;
    response.type('application/xml').send(`<Response><Message>${text.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</Message></Response>`);
  });
  app.listen(Number(port), '127.0.0.1');
}

({ learn, ask, serve })[order]();
