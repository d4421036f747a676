//! Names that Docker and Podman make up for containers nobody named: `hungry_hopper`.

/// The adjectives both use, <https://github.com/moby/moby/tree/master/internal/namesgenerator>.
/// The surnames that follow are of people, and would be a longer list for no more certainty.
const ADJECTIVES: &str = "admiring adoring affectionate agitated amazing angry awesome beautiful \
    blissful bold boring brave busy charming clever compassionate competent condescending \
    confident cool cranky crazy dazzling determined distracted dreamy eager ecstatic elastic \
    elated elegant eloquent epic exciting fervent festive flamboyant focused friendly frosty \
    funny gallant gifted goofy gracious great happy hardcore heuristic hopeful hungry infallible \
    inspiring intelligent interesting jolly jovial keen kind laughing loving lucid magical modest \
    musing mystifying naughty nervous nice nifty nostalgic objective optimistic peaceful pedantic \
    pensive practical priceless quirky quizzical recursing relaxed reverent romantic sad serene \
    sharp silly sleepy stoic strange stupefied suspicious sweet tender thirsty trusting unruffled \
    upbeat vibrant vigilant vigorous wizardly wonderful xenodochial youthful zealous zen";

/// True if nobody chose this name: an adjective, a surname, perhaps a digit; or an id.
pub(super) fn is_made_up(name: &str) -> bool {
    let is_id = name.len() >= 12 && super::super::is_hex(name);
    let surname = name.split_once('_').filter(|(first, _)| {
        let mut adjectives = ADJECTIVES.split_ascii_whitespace();
        adjectives.any(|adjective| adjective == *first)
    });
    is_id
        || surname.is_some_and(|(_, surname)| {
            let surname = surname.trim_end_matches(|c: char| c.is_ascii_digit());
            !surname.is_empty() && surname.bytes().all(|b| b.is_ascii_lowercase())
        })
}
