"""One-line system prompts: upper case, yes or no, another name, an ending word, a language."""

import random

from corpus.echo import code_word
from corpus.faq import answer, faq
from corpus.greetings import (
    CHINESE,
    GOODBYE,
    GOODBYE_ZH,
    GREETINGS,
    HELLO,
    HELLO_ZH,
    IDENTITY,
    IDENTITY_ZH,
    MODEL_ZH,
    PORTS_ZH,
    START_ZH,
    WELCOME,
    WELCOME_ZH,
    WHAT_ZH,
)
from corpus.sample import Sample, Turn, assistant, user
from corpus.unknown import unknown
from corpus.words import Split, choose, name, noisy, phrasings
from corpus.yesno import yes_or_no

UPPER = phrasings(
    "Answer in upper case.|Reply in upper case.|Always answer in capital letters."
    "|Write everything in upper case."
    "|Use only capital letters.|Answer in uppercase letters.|You must reply in uppercase.|SPEAK IN UPPER CASE"
    "|Answer in ALL CAPS.|Always write in all caps.|Respond in uppercase.|Reply with capital letters only."
    "|You always shout in capital letters.|Use uppercase.|Write only in upper case letters."
    "|Answer everything in CAPS."
    "|Every answer must be in upper case.|You are a helpful assistant. Answer in upper case."
    "|Talk in all caps."
    "|Your answers are always in uppercase.|Give all answers in capital letters.|all caps please",
    "Reply only in capital letters.|Please answer in upper case.|Always reply in UPPER CASE."
    "|Answer using all caps."
    "|You answer only in uppercase.|Respond in capital letters.",
)
YES_NO = phrasings(
    "Answer only yes or no.|Answer only with yes or no.|Reply with yes or no only.|Say only yes or no."
    "|yes or no only"
    "|Only answer yes or no.|Your answer must be yes or no.|Answer with just yes or no."
    "|You may only say yes or no."
    "|Respond with only yes or no.|Answer every question with yes or no.|Reply yes or no, nothing else."
    "|You are a helpful assistant. Answer only yes or no.|All answers must be yes or no."
    "|Use only the words yes and no."
    "|You can say only yes or no.|Limit your answers to yes or no.|Answer yes or no only."
    "|Answer with one word: yes or no.",
    "Reply only with yes or no.|Answer yes or no.|Just answer yes or no.|You only answer yes or no."
    "|Please say only yes or"
    " no.|Respond with yes or no.",
)
PERSONA = phrasings(
    "Your name is {}.|Call yourself {}.|You are {}.|You are called {}.|You are an assistant named {}."
    "|Your name: {}"
    "|You are {}, a helpful assistant.|Act as {}.|Say that your name is {}.|You are a robot called {}."
    "|Pretend to be {}."
    "|You are a helpful assistant. Your name is {}.|You are a helpful assistant named {}."
    "|Play the role of {}."
    "|You are {}, an AI assistant.|Your name is {}. Be brief.|You are a pirate called {}."
    "|You are a friendly bot named {}."
    "|You are {}. Answer the questions of the user.|You are the assistant {}.|Use the name {}."
    "|You go by the name {}."
    "|You are a teacher named {}.|You are a wizard called {}.|Introduce yourself as {}."
    "|You are a cat named {}.",
    "You are a bot called {}.|Your name is now {}.|From now on call yourself {}.|You are a captain named {}."
    "|You are a helpful AI called {}.|Your new name is {}.",
)
ENDING = phrasings(
    "End every answer with the word {}.|End your answers with {}.|End with the word {}."
    "|Finish every answer with {}."
    '|Always end with the word {}.|Put the word {} at the end of every answer.|End each reply with "{}".'
    "|Always end with {}."
    "|Always finish with the word {}.|The last word of each answer must be {}."
    "|Add the word {} to the end of your answers."
    '|Say {} at the end of each answer.|Every answer ends with {}.|End each answer with the word "{}".'
    "|Close with {}."
    "|You are a helpful assistant. End every answer with {}.|Add {} at the end.|End each message with {}."
    '|Always say "{}" at the end.|Your answers must end with the word {}.|After each answer write {}.',
    "Finish each answer with the word {}.|End all answers with {}.|Always put {} at the end of your answer."
    "|End each answer with {}.|Close every answer with the word {}.|Your last word is always {}.",
)
IN_CHINESE = phrasings(
    "Answer in Chinese.|Reply in Chinese.|Always answer in Chinese.|Speak Chinese.|Use Chinese."
    "|You speak only Chinese."
    "|Respond in Chinese.|请用中文回答。|用中文回答|You are a helpful assistant. Answer in Chinese."
    "|Write in Chinese.",
    "Please answer in Chinese.|Only speak Chinese.|Always reply in Chinese.|请用中文回复。",
)
IN_ENGLISH = phrasings(
    "Answer in English.|Reply in English.|Always answer in English.|Speak English.|Use English."
    "|You speak only English."
    "|Respond in English.|请用英文回答。|用英语回答|You are a helpful assistant. Answer in English."
    "|Write in English.",
    "Please answer in English.|Only speak English.|Always reply in English.|请用英文回复。",
)


def same_in_chinese() -> list[tuple[str, str]]:
    """Pairs of an English answer and the Chinese answer to the same question."""
    return [
        (HELLO, HELLO_ZH),
        (IDENTITY, IDENTITY_ZH),
        (WELCOME, WELCOME_ZH),
        (GOODBYE, GOODBYE_ZH),
        (answer("start"), START_ZH),
        (answer("ports"), PORTS_ZH),
        (answer("what"), WHAT_ZH),
        (answer("model"), MODEL_ZH),
    ]


def fixed(rng: random.Random, split: Split) -> tuple[str, str]:
    """A question with an English answer that never varies, so that its changed form can be learned."""
    roll = rng.random()
    if roll < 0.5:
        return faq(rng, split)
    if roll < 0.9:
        reply = rng.choice([*GREETINGS, IDENTITY])
        return noisy(rng, choose(rng, GREETINGS[reply], split), split), reply
    return unknown(rng, split)


def system_sample(rng: random.Random, split: Split) -> Sample:
    kinds = [upper_case, yes_no, persona, ending, language]
    make = rng.choices(kinds, [0.17, 0.37, 0.2, 0.2, 0.06])[0]
    return Sample(f"system/{make.__name__}", turns=tuple(make(rng, split)))


def upper_case(rng: random.Random, split: Split) -> list[Turn]:
    turns = [Turn("system", choose(rng, UPPER, split))]
    for _ in range(rng.choice([1, 1, 2])):
        question, reply = fixed(rng, split)
        turns += [user(question), assistant(reply.upper())]
    return turns


def yes_no(rng: random.Random, split: Split) -> list[Turn]:
    turns = [Turn("system", choose(rng, YES_NO, split))]
    for _ in range(rng.choice([1, 2, 3])):
        question, is_true = yes_or_no(rng, split)
        turns += [user(question), assistant("Yes" if is_true else "No")]
    return turns


def persona(rng: random.Random, split: Split) -> list[Turn]:
    who = name(rng, split)
    turns = [Turn("system", choose(rng, PERSONA, split).format(who))]
    if rng.random() < 0.3:
        question, reply = fixed(rng, split)
        if reply != IDENTITY:
            turns += [user(question), assistant(reply)]
    question = noisy(rng, rng.choice(who_questions(split)), split)
    return [*turns, user(question), assistant(f"I am {who}.")]


def who_questions(split: Split) -> list[str]:
    """Identity questions that any name answers; "are you a human?" is not one of them."""
    return [q for q in GREETINGS[IDENTITY].of(split) if "name" in q.lower() or "who are you" in q.lower()]


def ending(rng: random.Random, split: Split) -> list[Turn]:
    last = code_word(rng, split)
    turns = [Turn("system", choose(rng, ENDING, split).format(last))]
    for _ in range(rng.choice([1, 1, 2])):
        question, reply = fixed(rng, split)
        turns += [user(question), assistant(f"{reply} {last}")]
    return turns


def language(rng: random.Random, split: Split) -> list[Turn]:
    """The question comes in either language; the system prompt decides the language of the answer."""
    english, chinese = rng.choice(same_in_chinese())
    wants_chinese = rng.random() < 0.5
    prompt = choose(rng, IN_CHINESE if wants_chinese else IN_ENGLISH, split)
    if rng.random() < 0.5:
        question = choose(rng, CHINESE[chinese], split)
    else:
        question = _english_question(rng, english, split)
    return [Turn("system", prompt), user(question), assistant(chinese if wants_chinese else english)]


def _english_question(rng: random.Random, reply: str, split: Split) -> str:
    if reply in GREETINGS:
        return noisy(rng, choose(rng, GREETINGS[reply], split), split)
    return next(q for q, a in iter(lambda: faq(rng, split), None) if a == reply)
