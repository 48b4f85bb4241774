// A chat page for Genesys Mobile Services: starts a callback, follows its dialogs, and chats over Comet.
//
// ?gms=URL         the GMS; unless said, where `gms-replay serve` is
// ?transport=NAME  long-polling, as apps have it, or websocket
// ?poll_ms=N       how often to ask for the place in the queue

import { CometD } from 'cometd';

const query = new URLSearchParams(location.search);
const GMS = query.get('gms') ?? 'http://localhost:8080/genesys';
const TRANSPORT = query.get('transport') ?? 'long-polling';
const SERVICE = 'customer-service';
const AGENT_IS_FREE = 'get-dialog-user-confirmation-provide_code-false';
const POLL_EVERY_MS = Number(query.get('poll_ms') ?? 5000);
// Who the customer is to GMS. Where people log in, take that.
const USER = `web-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;

const comet = new CometD();
const at = id => document.getElementById(id);
let customer = {};
let urls = {};
let shownUpTo = 0;
let isTyping = false;

async function ask(method, url, body) {
    const headers = { gms_user: USER };
    if (body) headers['content-type'] = 'application/json';
    let answer;
    try {
        // Where several GMS share the work, cookies say which of them knows this customer.
        answer = await fetch(url, { method, headers, body: body && JSON.stringify(body), credentials: 'include' });
    } catch {
        throw new Error('We cannot be reached just now. Please try again.');
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.message ?? `That did not work (${answer.status}). Please try again.`);
    return told;
}

// Does what a part of the page is for. Until that is done its buttons rest; where it fails, they can be tried again.
async function attempt(part, act) {
    const buttons = at(part).querySelectorAll('button');
    at('alert').textContent = '';
    for (const button of buttons) button.disabled = true;
    try {
        await act();
    } catch (error) {
        at('alert').textContent = error.message;
        show(part);
    } finally {
        for (const button of buttons) button.disabled = false;
    }
}

function show(part) {
    for (const id of ['start', 'menu', 'chat']) at(id).hidden = id !== part;
}

// Screen readers read what changes here.
function announce(text) {
    if (at('status').textContent !== text) at('status').textContent = text;
}

// A dialog says what to show, and where to go on.
function follow(dialog) {
    if (dialog._action === 'StartChat') return startChat(dialog);
    if (dialog._action === 'DisplayMenu') return showMenu(dialog);
    show(null);
    announce(dialog._text);
    return waitForAgent(dialog._id);
}

async function waitForAgent(id) {
    for (;;) {
        const { _position: position } = await ask('GET', `${GMS}/1/service/${id}/check-queue-position`);
        if (!(position > 0)) break;
        announce(`You are number ${position} in the queue.`);
        await new Promise(resolve => setTimeout(resolve, POLL_EVERY_MS));
    }
    // An app is told by a push which dialog comes now. Pages get none.
    await follow(await ask('POST', `${GMS}/1/service/${id}/${AGENT_IS_FREE}`));
}

function showMenu(menu) {
    announce(menu._label);
    at('menu').replaceChildren(...menu._content.flatMap(group => [
        element('h2', '', group._group_name),
        ...group._group_content.map(item => {
            const button = element('button', '', item._label);
            button.onclick = () => attempt('menu', async () => follow(await ask(item._method, item._user_action_url)));
            return button;
        }),
    ]));
    show('menu');
    at('menu').querySelector('button').focus();
}

async function startChat(dialog) {
    const { first_name: firstName, last_name: lastName, email } = customer;
    const told = await ask('POST', dialog._start_chat_url, {
        notify_by: 'comet',
        firstName,
        lastName,
        email,
        userDisplayName: `${firstName} ${lastName[0]}.`,
        subject: dialog._chat_parameters?.subject ?? '',
        _verbose: 'true', // tells the chat's own URLs
    });
    urls = told;
    announce('You are in the chat. Somebody will be with you in a moment.');
    show('chat');
    at('text').focus();
    take(told);
    listen(dialog);
}

function listen({ _comet_url: url, _user_header: user = USER, _id: id }) {
    for (const name of comet.getTransportTypes()) {
        if (name !== TRANSPORT) comet.unregisterTransport(name);
    }
    comet.configure({ url, requestHeaders: { gms_user: user } });
    // CometD's client tries again by itself, and shakes hands anew where it has to.
    comet.addListener('/meta/handshake', ({ successful }) => {
        if (successful) comet.subscribe('/_genesys', ({ data }) => data.tag.endsWith(id) && take(data.message));
    });
    comet.addListener('/meta/connect', ({ successful }) => {
        at('offline').hidden = successful || comet.isDisconnected();
    });
    comet.handshake();
}

// A part of the transcript: its last line has the number `transcriptPosition`.
function take({ chatIxnState, startedAt, transcriptPosition, transcriptToShow = [] }) {
    const before = transcriptPosition - transcriptToShow.length;
    for (const line of transcriptToShow.slice(Math.max(0, shownUpTo - before))) addLine(line, Date.parse(startedAt));
    shownUpTo = Math.max(shownUpTo, transcriptPosition);
    if (chatIxnState === 'DISCONNECTED') endChat();
}

function addLine([type, who, text, seconds, party], startedAtMs) {
    if (type === 'Notice.TypingStarted' || type === 'Notice.TypingStopped') {
        if (party !== 'CLIENT') at('typing').textContent = type.endsWith('Started') ? `${who} is typing …` : '';
        return;
    }
    if (type === 'Notice.Joined' && party === 'AGENT') announce(`You are chatting with ${who}.`);
    const happened = new Date(startedAtMs + seconds * 1000);
    const time = element('time', '', happened.toLocaleTimeString([], { timeStyle: 'short' }));
    time.dateTime = happened.toISOString();
    const line = element('li', type === 'Message.Text' ? party.toLowerCase() : 'notice');
    if (type === 'Message.Text') {
        const by = element('p', 'by');
        by.append(element('span', 'who', who), ' · ', time);
        line.append(by, element('p', 'text', text));
    } else {
        line.append(element('span', 'who', who), ' ', element('span', 'text', text), ' · ', time);
    }
    at('lines').append(line);
    at('log').scrollTop = at('log').scrollHeight;
}

function endChat() {
    comet.disconnect();
    at('say').hidden = true;
    announce('The chat has ended. Thank you!');
    at('log').focus();
}

function element(name, className, text = '') {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    made.dir = 'auto'; // agents speak many languages
    return made;
}

// That the agent does not see it is no reason to disturb anybody.
function tellTyping(does) {
    if (does === isTyping) return;
    isTyping = does;
    ask('POST', does ? urls._chatIxnAPI_START_TYPING_URL : urls._chatIxnAPI_STOP_TYPING_URL, {}).catch(() => {});
}

at('start').onsubmit = event => {
    event.preventDefault();
    customer = Object.fromEntries(new FormData(event.target));
    attempt('start', async () => follow(await ask('POST', `${GMS}/1/service/callback/${SERVICE}`, {
        _customer_number: customer.phone,
        _call_direction: 'USERORIGINATED',
        _media_type: 'chat',
        _wait_for_agent: 'true',
        _wait_for_user_confirm: 'true',
        _provide_code: 'false',
        first_name: customer.first_name,
        last_name: customer.last_name,
    })));
};

at('text').oninput = event => tellTyping(event.target.value !== '');

at('say').onsubmit = event => {
    event.preventDefault();
    const message = at('text').value.trim();
    if (!message) return;
    attempt('chat', async () => {
        tellTyping(false);
        at('text').value = '';
        await ask('POST', urls._chatIxnAPI_SEND_URL, { message }).catch(error => {
            at('text').value ||= message;
            throw error;
        });
    });
};
