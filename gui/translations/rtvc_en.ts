<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
    <context>
        <name>rtvc</name>
        <message numerus="yes">
            <source>{number} semitones</source>
            <translation>
                <numerusform>{number} semitone</numerusform>
                <numerusform>{number} semitones</numerusform>
            </translation>
        </message>
    </context>
</TS>
