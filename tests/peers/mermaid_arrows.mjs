// What Mermaid's own parser finds in the diagrams of a Markdown text: for each its texts, with whose they are, as JSON.
import mermaid from 'mermaid';

// Mermaid takes entities for placeholders before it parses, and gives them back in what it draws.
const shown = (text) =>
    text.replaceAll('<br/>', ' ').replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)));

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const fences = Buffer.concat(chunks).toString().matchAll(/^```mermaid\n([^]*?)^```$/gm);
const found = [];
for (const [, text] of fences) {
    await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    found.push(diagram.db.getMessages().map(({ from, to, message }) => [from, to, shown(String(message ?? ''))]));
}
console.log(JSON.stringify(found));
