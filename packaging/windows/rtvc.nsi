; Installer for Windows, for one user and without administrator rights:
;     makensis -DVERSION=0.1.0 -DBUNDLE=C:\path\to\rtvc -DOUTPUT=C:\path\to\setup.exe packaging\windows\rtvc.nsi
Unicode true
RequestExecutionLevel user
SetCompressor /SOLID lzma
!include "MUI2.nsh"

Name "rtvc"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\rtvc"
InstallDirRegKey HKCU "Software\rtvc" "InstallDir"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\rtvc"

!define MUI_FINISHPAGE_RUN "$INSTDIR\rtvc-gui.exe"
!define MUI_FINISHPAGE_LINK "rtvc plays into VB-CABLE, a free virtual cable: get it here"
!define MUI_FINISHPAGE_LINK_LOCATION "https://vb-audio.com/Cable/"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

Section "rtvc"
    ; Files of an older version would stay beside the new ones.
    RMDir /r "$INSTDIR\_internal"
    RMDir /r "$INSTDIR\documentation"
    SetOutPath "$INSTDIR"
    File /r "${BUNDLE}/*"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    CreateShortcut "$SMPROGRAMS\rtvc.lnk" "$INSTDIR\rtvc-gui.exe"
    WriteRegStr HKCU "Software\rtvc" "InstallDir" "$INSTDIR"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "rtvc"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\rtvc-gui.exe"
    WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
    WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
SectionEnd

Section "Uninstall"
    Delete "$SMPROGRAMS\rtvc.lnk"
    Delete "$INSTDIR\rtvc.exe"
    Delete "$INSTDIR\rtvc-gui.exe"
    Delete "$INSTDIR\LICENSE.txt"
    Delete "$INSTDIR\LICENCES.txt"
    Delete "$INSTDIR\uninstall.exe"
    RMDir /r "$INSTDIR\_internal"
    RMDir /r "$INSTDIR\documentation"
    RMDir "$INSTDIR"
    DeleteRegKey HKCU "${UNINSTALL}"
    DeleteRegKey HKCU "Software\rtvc"
    MessageBox MB_OK "Your voices, enrolments and settings stay in $LOCALAPPDATA\rtvc. Delete that folder if you want them gone." /SD IDOK
SectionEnd
